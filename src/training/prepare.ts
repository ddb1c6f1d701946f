/** @file What a training is made ready with: its split, its settings completed by the data, and what it starts from. */
import { spaceOf } from "../content/feature-space.ts";
import type { Dataset } from "../data/dataset.ts";
import type { FeatureTable } from "../data/features.ts";
import type { Sequences } from "../data/sequences.ts";
import { type UserShare, withSomeUsers } from "../data/some-users.ts";
import type { Split } from "../data/split.ts";
import { splitDataset } from "../evaluation/evaluate-run.ts";
import type { SplitSettings } from "../evaluation/run-folder.ts";
import { settledTerms } from "../models/auxiliary/terms.ts";
import { isBaseline, type ModelConfig, needsOf, partOf, type RecipeConfig } from "../models/config.ts";
import type { Networks } from "../models/define.ts";
import type { ItemContent } from "../models/items/content.ts";
import { type TrainStep, trainStep } from "../models/train-step.ts";
import { ConfigError, DataError, ShapeError } from "../tensor/errors.ts";
import { type Carried, carry, type Origin } from "./carry.ts";
import { itemNetworks } from "./learner.ts";
import { stepRows, stepShape, stepSize } from "./step-size.ts";

/** The split, with something to validate and something to learn: an update needs an item and the one after it. */
export function checkedSplit(dataset: Dataset, settings: SplitSettings, users: UserShare): Split {
  const split = withSomeUsers(splitDataset(dataset, settings), users);
  const { directory: data } = dataset;
  if (split.validation.target.length === 0) {
    const message = `${data}: no user has enough interactions (3 for leave-one-out), so nothing can be validated; import more data`;
    throw new DataError("nothing-to-validate", message);
  }
  const { offsets } = split.training;
  if (offsets.some((start, user) => user > 0 && start - offsets[user - 1]! > 1)) return split;
  const message = `${data}: no user has two interactions in the training part, so nothing can be learned; import more data`;
  throw new DataError("nothing-to-train", message);
}

/** The settings completed by what the data knows of the items. @throws DataError where it does not know enough */
export async function settled(config: ModelConfig, content: ItemContent): Promise<ModelConfig> {
  if (isBaseline(config)) return config;
  const items = await partOf("items", config.items.name).settle?.(content, config.items as never);
  const auxiliary = await settledTerms(config, content);
  return { ...config, auxiliary, ...(items && { items: items as RecipeConfig["items"] }) };
}

/** The feature tables that item vectors are made of and neighbours are found by. */
export async function usedTables(config: ModelConfig, content: ItemContent): Promise<FeatureTable[]> {
  if (isBaseline(config)) return [];
  const { neighbourWeight, neighbourTable } = config.scoring;
  const used = partOf("items", config.items.name).tables?.(config.items as never) ?? [];
  const names = [...used.map(({ table }) => table), ...(neighbourWeight > 0 ? [neighbourTable] : [])];
  return Promise.all([...new Set(names)].map((name) => content.features(name)));
}

/** Their content hashes, by name. */
export const hashesOf = (tables: readonly FeatureTable[]): Record<string, string> =>
  Object.fromEntries(tables.map(({ name, contentHash }) => [name, contentHash]));

/** The pretrained networks that the item vectors are made with. */
export const usedNetworks = async (config: ModelConfig, content: ItemContent): Promise<Networks> =>
  isBaseline(config) ? new Map() : itemNetworks(config, content);

/** Hashes of their files, by name. */
export const fileHashes = (networks: Networks): Record<string, string> =>
  Object.fromEntries([...networks].map(([name, { hash }]) => [name, hash]));

/** Their spaces, by name. */
export const spacesOf = (tables: readonly FeatureTable[]): Record<string, string> =>
  Object.fromEntries(tables.map(({ name, source }) => [name, spaceOf(source)]));

export interface Carrying {
  readonly origin: Origin | null;
  readonly dataset: Dataset;
  /** The pretrained networks that the item vectors are made with. */
  readonly networks: Networks;
  readonly spaces: Readonly<Record<string, string>>;
  readonly sequences: Sequences;
}

/** What the model takes over from another run. @throws ConfigError, DataError where model, data and run do not fit */
export function carriedTo(
  config: RecipeConfig,
  { origin, dataset, networks, spaces, sequences }: Carrying,
): Carried | null {
  refuseTimeless(config, dataset);
  const { params } = fittingStep(config, { items: dataset.items.length, sequences, networks });
  const { directory, manifest } = dataset;
  const data = { directory, fingerprint: manifest.fingerprint };
  return origin && carry(origin, { config, params, data, spaces });
}

/** Traces a step as it will be, so that settings that do not fit together are told before anything is written. */
function fittingStep(
  config: RecipeConfig,
  { items, sequences, networks }: Pick<Carrying, "sequences" | "networks"> & { readonly items: number },
): TrainStep {
  try {
    const shape = stepShape(config, stepRows(config, sequences), sequences);
    return trainStep(config, stepSize(shape, items), networks);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ConfigError(
      "settings-misfit",
      `the settings do not fit together: ${error.message}`,
      error.fields,
    );
  }
}

function refuseTimeless(config: RecipeConfig, { directory, times }: Dataset): void {
  if (times || needsOf(config).times === "none") return;
  const message = `${directory}: backbone "${config.backbone.name}" with times needs those of the interactions, but only their order is known; import them with a timestamp column, or set backbone.times to none`;
  throw new DataError("no-times", message, { directory });
}
