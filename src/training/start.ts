/** @file The beginning of a training: what is to be done, checked before any work, and the run folder that says so. */
import { mkdir, readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { relative, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Dataset, openDataset } from "../data/dataset.ts";
import { systemCode, unmakeable } from "../data/files.ts";
import type { Sequences } from "../data/sequences.ts";
import type { Split } from "../data/split.ts";
import { splitDataset } from "../evaluation/evaluate-run.ts";
import {
  isRunFolder,
  RUN_FORMAT,
  type RunManifest,
  readRunManifest,
  type SplitSettings,
  writeRunManifest,
} from "../evaluation/run-folder.ts";
import { baselineOf } from "../models/baselines/index.ts";
import {
  type BaselineConfig,
  isBaseline,
  type ModelConfig,
  needsOf,
  partOf,
  type RecipeConfig,
  resolveModelConfig,
} from "../models/config.ts";
import { datasetContent, type ItemContent } from "../models/items/content.ts";
import { modelConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { requireDevice } from "../runtime/worker.ts";
import { ConfigError, DataError, ShapeError } from "../tensor/errors.ts";
import { type Checkpoint, readCheckpoint, removeLeftovers } from "./checkpoint.ts";
import { lockFile, lockRun } from "./lock.ts";
import type { TrainOptions } from "./progress.ts";
import { stepShape, stepSize } from "./step-size.ts";

export interface Start {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly config: ModelConfig;
  readonly manifest: RunManifest;
  readonly checkpoint: Checkpoint | null;
  /** What the data knows of the items. */
  readonly content: ItemContent;
  /** Gives the run folder free again. */
  readonly unlock: () => Promise<void>;
}

/** Checks options, data and run folder, and creates the folder. @throws ConfigError, DataError; then nothing is written */
export async function startTraining(options: TrainOptions): Promise<Start> {
  const { out, seed = 0, resume = false } = options;
  if (!Number.isInteger(seed) || seed < 0) {
    throw new ConfigError("seed", `the seed must be a whole number from 0 on, not ${seed}`, { seed });
  }
  const asked = withThreads(modelConfig(options));
  const dataset = await openDataset(options.data);
  if (await isRunFolder(out)) {
    if (!resume)
      throw new DataError(
        "run-exists",
        `${out} holds a run already; continue it with --resume or name another folder`,
        { out },
      );
    return resumed(options, dataset, asked);
  }
  const split = checkedSplit(options.data, dataset, splitSettings(asked, seed));
  const content = datasetContent(dataset, split.training);
  const config = await settled(asked, content);
  if (isBaseline(config)) refuseBaseline(config, dataset);
  else {
    refuseTimeless(config, dataset);
    refuseMisfit(config, dataset.items.length, split.training);
    await requireDevice(config.training.device);
  }
  await refuseForeign(out);
  const features = await featureHashes(config, content);
  const own = newManifest(options, dataset, config);
  const manifest = Object.keys(features).length > 0 ? { ...own, features } : own;
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw unmakeable(out, error);
  });
  const unlock = await lockRun(out);
  await removeLeftovers(out);
  await writeRunManifest(out, manifest);
  return { dataset, split, config, manifest, checkpoint: null, content, unlock };
}

function splitSettings({ split }: ModelConfig, seed: number): SplitSettings {
  const { kind, validationFraction, testFraction, cold: share, coldSeed } = split;
  const cold = share > 0 ? { cold: { share, seed: coldSeed ?? seed } } : {};
  return kind === "leave-one-out" ? { kind, ...cold } : { kind, validationFraction, testFraction, ...cold };
}

/** The split, with something to validate and something to learn: an update needs an item and the one after it. */
function checkedSplit(data: string, dataset: Dataset, settings: SplitSettings): Split {
  const split = splitDataset(dataset, settings);
  if (split.validation.target.length === 0) {
    const message = `${data}: no user has enough interactions (3 for leave-one-out), so nothing can be validated; import more data`;
    throw new DataError("nothing-to-validate", message);
  }
  const { offsets } = split.training;
  if (offsets.some((start, user) => user > 0 && start - offsets[user - 1]! > 1)) return split;
  const message = `${data}: no user has two interactions in the training part, so nothing can be learned; import more data`;
  throw new DataError("nothing-to-train", message);
}

function refuseBaseline({ baseline: { name } }: BaselineConfig, { directory, times }: Dataset): void {
  if (times || !baselineOf(name).needsTimes) return;
  const message = `${directory}: ${name} needs the times of the interactions, but only their order is known; import them with a timestamp column`;
  throw new DataError("no-times", message, { directory });
}

function refuseTimeless(config: RecipeConfig, { directory, times }: Dataset): void {
  if (times || needsOf(config).times === "none") return;
  const message = `${directory}: backbone "${config.backbone.name}" with times needs those of the interactions, but only their order is known; import them with a timestamp column, or set backbone.times to none`;
  throw new DataError("no-times", message, { directory });
}

/** Traces the model once, so that settings that do not fit together are told before anything is written. */
function refuseMisfit(config: RecipeConfig, items: number, sequences: Sequences): void {
  try {
    trainStep(config, stepSize(stepShape(config, 1, sequences), items));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ConfigError(
      "settings-misfit",
      `the settings do not fit together: ${error.message}`,
      error.fields,
    );
  }
}

/** Threads are part of the result (they fix the order of sums), so the number found here is written down. */
const withThreads = <C extends ModelConfig>(config: C): C => ({
  ...config,
  training: { ...config.training, threads: config.training.threads || availableParallelism() },
});

/** The settings completed by what the data knows of the items. @throws DataError where it does not know enough */
async function settled(config: ModelConfig, content: ItemContent): Promise<ModelConfig> {
  if (isBaseline(config)) return config;
  const items = await partOf("items", config.items.name).settle?.(content, config.items as never);
  return items ? { ...config, items: items as RecipeConfig["items"] } : config;
}

/** Content hashes of the feature tables that the item vectors are made of. */
async function featureHashes(config: ModelConfig, content: ItemContent): Promise<Record<string, string>> {
  if (isBaseline(config)) return {};
  const used = partOf("items", config.items.name).tables?.(config.items as never) ?? [];
  const tables = await Promise.all(used.map(({ table }) => content.features(table)));
  return Object.fromEntries(tables.map(({ name, contentHash }) => [name, contentHash]));
}

/** The run goes on with the settings it was started with; those that are named must be the same. */
async function resumed(options: TrainOptions, dataset: Dataset, asked: ModelConfig): Promise<Start> {
  const { out } = options;
  const manifest = await readRunManifest(out);
  if (manifest.dataset.fingerprint !== dataset.manifest.fingerprint) {
    const message = `${out} was trained on other data (fingerprint ${manifest.dataset.fingerprint}) than ${options.data} (${dataset.manifest.fingerprint}); name its own data folder`;
    throw new DataError("other-data", message, { out });
  }
  const config = resolveModelConfig(manifest.config);
  if (options.recipe !== undefined && options.recipe !== manifest.recipe) {
    const message = `${out} was started with recipe ${manifest.recipe}, not ${options.recipe}; resume it as it was or train anew in another folder`;
    throw new ConfigError("other-settings", message, { recipe: manifest.recipe });
  }
  const split = checkedSplit(options.data, dataset, manifest.split);
  const content = datasetContent(dataset, split.training);
  refuseChanges(out, givenSettings(options), { stored: config, asked: await settled(asked, content) });
  if (!isDeepStrictEqual(manifest.features ?? {}, await featureHashes(config, content))) {
    const message = `${options.data}: features were made anew since ${out} was started; train again in another folder`;
    throw new DataError("other-features", message, { out });
  }
  if (options.seed !== undefined && options.seed !== manifest.seed) {
    throw new ConfigError(
      "other-seed",
      `${out} was started with seed ${manifest.seed}; resume it with that seed or none`,
      { out },
    );
  }
  const unlock = await lockRun(out);
  try {
    await removeLeftovers(out);
    const checkpoint = await readCheckpoint(out);
    return { dataset, split, config, manifest, checkpoint, content, unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The settings that were named: what is not named stays as the run has it. */
function givenSettings({ config, set = [] }: TrainOptions): [section: string, key: string][] {
  const paths = set.map(({ path }) => path.split(".") as [string, string]);
  const sections = Object.entries((config ?? {}) as Record<string, object>);
  return [
    ...paths,
    ...sections.flatMap(([name, keys]) => Object.keys(keys).map((key) => [name, key] as [string, string])),
  ];
}

type Sections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

function refuseChanges(
  out: string,
  given: readonly [section: string, key: string][],
  configs: { readonly stored: ModelConfig; readonly asked: ModelConfig },
): void {
  for (const [section, key] of given) {
    const [value, other] = [configs.stored, configs.asked].map(
      (config) => (config as unknown as Sections)[section]?.[key],
    );
    if (isDeepStrictEqual(value, other)) continue;
    const message = `${out} was started with ${section}.${key} = ${JSON.stringify(value)}, not ${JSON.stringify(other)}; resume it as it was or train anew in another folder`;
    throw new ConfigError("other-settings", message, { section, key });
  }
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
