/** @file The beginning of a training: what is to be done, checked before any work, and the run folder that says so. */
import { mkdir, readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { relative, resolve } from "node:path";
import { type Dataset, openDataset } from "../data/dataset.ts";
import { systemCode, unmakeable } from "../data/files.ts";
import type { Split } from "../data/split.ts";
import {
  isRunFolder,
  RUN_FORMAT,
  type RunManifest,
  type SplitSettings,
  writeRunManifest,
} from "../evaluation/run-folder.ts";
import { baselineOf } from "../models/baselines/index.ts";
import { type BaselineConfig, isBaseline, type ModelConfig } from "../models/config.ts";
import { datasetContent, type ItemContent } from "../models/items/content.ts";
import { modelConfig } from "../models/recipes.ts";
import { requireDevice } from "../runtime/worker.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { choiceOf, initOf, type Origin, openOrigin } from "./carry.ts";
import { type Checkpoint, removeLeftovers } from "./checkpoint.ts";

import { lockFile, lockRun } from "./lock.ts";
import {
  carriedTo,
  checkedSplit,
  fileHashes,
  hashesOf,
  settled,
  spacesOf,
  usedNetworks,
  usedTables,
} from "./prepare.ts";
import type { TrainOptions } from "./progress.ts";
import { resumed } from "./resume.ts";

export interface Start {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly config: ModelConfig;
  readonly manifest: RunManifest;
  readonly checkpoint: Checkpoint | null;
  /** What the data knows of the items. */
  readonly content: ItemContent;
  /** Values in the place of those that weights and constants would start with. */
  readonly carried?: Readonly<Record<string, Tensor>> | undefined;
  /** Sentences for the user. */
  readonly notes: readonly string[];
  /** Gives the run folder free again. */
  readonly unlock: () => Promise<void>;
}

/** Checks options, data and run folder, and creates the folder. @throws ConfigError, DataError; then nothing is written */
export async function startTraining(options: TrainOptions): Promise<Start> {
  const { out, seed = 0, resume = false } = options;
  if (!Number.isInteger(seed) || seed < 0) {
    throw new ConfigError("seed", `the seed must be a whole number from 0 on, not ${seed}`, { seed });
  }
  const origin = options.init === undefined ? null : await openOrigin(options.init);
  const choice = choiceOf(options, origin);
  const asked = withThreads(modelConfig(choice));
  const dataset = await openDataset(options.data);
  if (await isRunFolder(out)) {
    if (!resume)
      throw new DataError(
        "run-exists",
        `${out} holds a run already; continue it with --resume or name another folder`,
        { out },
      );
    return resumed({ options, dataset, asked, choice, origin });
  }
  const split = checkedSplit(dataset, splitSettings(asked, seed), { share: asked.training.users, seed });
  const content = datasetContent(dataset, split.training);
  const config = await settled(asked, content);
  const tables = await usedTables(config, content);
  const networks = await usedNetworks(config, content);
  const carried = isBaseline(config)
    ? refuseBaseline(config, dataset, origin)
    : carriedTo(config, {
        origin,
        dataset,
        networks,
        spaces: spacesOf(tables),
        sequences: split.training,
      });
  if (!isBaseline(config)) await requireDevice(config.training.device);
  await refuseForeign(out);
  const manifest: RunManifest = {
    ...newManifest({ ...options, ...choice }, dataset, config),
    ...(tables.length > 0 && { features: hashesOf(tables), spaces: spacesOf(tables) }),
    ...(networks.size > 0 && { networks: fileHashes(networks) }),
    ...(origin && { init: initOf(origin, out) }),
  };
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw unmakeable(out, error);
  });
  const unlock = await lockRun(out);
  await removeLeftovers(out);
  await writeRunManifest(out, manifest);
  const { notes = [], tensors } = carried ?? {};
  return { dataset, split, config, manifest, checkpoint: null, content, carried: tensors, notes, unlock };
}

function refuseBaseline(
  { baseline: { name } }: BaselineConfig,
  { directory, times }: Dataset,
  origin: Origin | null,
): null {
  if (origin !== null) {
    const message = `${name} is a baseline, which starts from no other run; leave --init out`;
    throw new ConfigError("init-baseline", message, { name });
  }
  if (times || !baselineOf(name).needsTimes) return null;
  const message = `${directory}: ${name} needs the times of the interactions, but only their order is known; import them with a timestamp column`;
  throw new DataError("no-times", message, { directory });
}

/** Threads are part of the result (they fix the order of sums), so the number found here is written down. */
const withThreads = <C extends ModelConfig>(config: C): C => ({
  ...config,
  training: { ...config.training, threads: config.training.threads || availableParallelism() },
});

function splitSettings({ split }: ModelConfig, seed: number): SplitSettings {
  const { kind, validationFraction, testFraction, cold: share, coldSeed } = split;
  const cold = share > 0 ? { cold: { share, seed: coldSeed ?? seed } } : {};
  return kind === "leave-one-out" ? { kind, ...cold } : { kind, validationFraction, testFraction, ...cold };
}

async function refuseForeign(out: string): Promise<void> {
  const names = await readdir(out).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return [];
    if (systemCode(error) === "ENOTDIR")
      throw new DataError("not-a-folder", `${out} is a file; name a folder for the run`, { out });
    throw error;
  });
  // A training killed while it wrote its very first files leaves these behind.
  const ownLeftover = (name: string): boolean =>
    name === lockFile || (name.startsWith(".run.json.") && name.endsWith(".tmp"));
  if (names.every(ownLeftover)) return;
  throw new DataError("not-empty", `${out} is not empty and holds no run; name a new folder`, { out });
}

function newManifest(
  { recipe = "sasrec", out, data, seed = 0 }: TrainOptions,
  dataset: Dataset,
  config: ModelConfig,
): RunManifest {
  const { fingerprint } = dataset.manifest;
  return {
    kind: "sequitur-run",
    format: RUN_FORMAT,
    recipe,
    config: config as unknown as Record<string, unknown>,
    seed,
    status: "training",
    split: splitSettings(config, seed),
    dataset: {
      directory: relative(resolve(out), resolve(data)),
      fingerprint,
      items: dataset.items.length,
      users: dataset.users.length,
    },
    files: {},
    seconds: { train: 0 },
    bestEpoch: 0,
  };
}
