/** @file A training that was interrupted goes on as it was begun. */
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Dataset } from "../data/dataset.ts";
import { readTensors } from "../data/tensors.ts";
import { type RunManifest, readRunManifest, runFiles } from "../evaluation/run-folder.ts";
import { isBaseline, type ModelConfig, resolveModelConfig } from "../models/config.ts";
import { datasetContent } from "../models/items/content.ts";
import type { RecipeChoice } from "../models/recipes.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { type Origin, openOrigin } from "./carry.ts";
import { readCheckpoint, removeLeftovers } from "./checkpoint.ts";
import { lockRun } from "./lock.ts";
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
import type { Start } from "./start.ts";

export interface Resumption {
  readonly options: TrainOptions;
  readonly dataset: Dataset;
  readonly asked: ModelConfig;
  readonly choice: RecipeChoice;
  readonly origin: Origin | null;
}

/** The run goes on with the settings it was started with; those that are named must be the same. */
export async function resumed({ options, dataset, asked, choice, origin }: Resumption): Promise<Start> {
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
  const users = { share: config.training.users, seed: manifest.seed };
  const split = checkedSplit(dataset, manifest.split, users);
  const content = datasetContent(dataset, split.training);
  refuseOtherOrigin(out, manifest, origin);
  refuseChanges(out, givenSettings(choice), { stored: config, asked: await settled(asked, content) });
  const networks = await usedNetworks(config, content);
  if (!isDeepStrictEqual(manifest.networks ?? {}, fileHashes(networks))) {
    const message = `${options.data}: an encoder's file is another than when ${out} was started; train again in another folder`;
    throw new DataError("other-network", message, { out });
  }
  if (!isDeepStrictEqual(manifest.features ?? {}, hashesOf(await usedTables(config, content)))) {
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
    const start = { dataset, split, config, manifest, checkpoint, content, notes: [], unlock };
    return { ...start, carried: await carriedBefore(out, start) };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** The settings that were named: what is not named stays as the run has it. */
function givenSettings({ config, set = [] }: RecipeChoice): [section: string, key: string][] {
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

/** @throws ConfigError where the run was started from other weights than those that are named now */
function refuseOtherOrigin(out: string, { init }: RunManifest, origin: Origin | null): void {
  if (origin === null || init?.weights === origin.run.manifest.files[runFiles.weights]) return;
  const before = init === undefined ? "from no other run" : `from ${init.run}, as it was then`;
  const message = `${out} was started ${before}; resume it without --init or train anew in another folder`;
  throw new ConfigError("other-init", message, { out });
}

/**
 * The values that the run took over from another: weights are in its checkpoint by now, and constants in what it keeps;
 * before the first checkpoint all are taken over once more.
 */
async function carriedBefore(out: string, start: Omit<Start, "carried">): Promise<Start["carried"]> {
  const { manifest, checkpoint, config, dataset, split, content } = start;
  const { init, status } = manifest;
  if (init === undefined || status === "finished" || isBaseline(config)) return undefined;
  if (checkpoint !== null) return (await readTensors(join(out, runFiles.weights))).tensors;
  const origin = await openOrigin(resolve(out, init.run));
  refuseOtherOrigin(out, manifest, origin);
  const spaces = spacesOf(await usedTables(config, content));
  const networks = await usedNetworks(config, content);
  const given = { origin, dataset, networks, spaces, sequences: split.training };
  return carriedTo(config, given)?.tensors;
}
