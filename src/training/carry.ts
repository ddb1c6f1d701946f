/** @file Carries what a finished run has learned to the model of another data set, as NineRec does (arXiv:2309.07705). */
import { join, relative, resolve } from "node:path";
import { readTensors } from "../data/tensors.ts";
import { type OpenRun, openRun, type RunManifest, runFiles } from "../evaluation/run-folder.ts";
import { isBaseline, type RecipeConfig, resolveModelConfig } from "../models/config.ts";
import type { RecipeChoice } from "../models/recipes.ts";
import type { Params } from "../nn/params.ts";
import { isPriorParam } from "../retrieval/prior.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { formatShape, type Tensor } from "../tensor/spec.ts";
import type { TrainOptions } from "./progress.ts";

/** A finished run that weights are taken from. */
export interface Origin {
  readonly run: OpenRun;
  readonly config: RecipeConfig;
  /** Its weights, and the constants that are no rows of items. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** @throws ConfigError where the run has no weights to carry, DataError where it cannot be opened */
export async function openOrigin(folder: string): Promise<Origin> {
  const run = await openRun(folder);
  const config = resolveModelConfig(run.manifest.config);
  if (isBaseline(config)) {
    const message = `${folder}: ${run.manifest.recipe} is a baseline, which has no weights to start from; name a run of a model`;
    throw new ConfigError("init-baseline", message, { run: folder });
  }
  const { tensors } = await readTensors(join(folder, runFiles.weights));
  const learned = Object.entries(tensors).filter(([name]) => !isPriorParam(name));
  return { run, config, tensors: Object.fromEntries(learned) };
}

/** What is asked for; where weights come from a run and no recipe is named, the rest is as that run has it. */
export function choiceOf(options: TrainOptions, origin: Origin | null): RecipeChoice {
  const { recipe, config, set: given = [], freeze } = options;
  const set = freeze === undefined ? given : [...given, { path: "training.freeze", value: freeze }];
  const choice = { ...(config !== undefined && { config }), set };
  if (recipe !== undefined || origin === null) return { ...choice, ...(recipe !== undefined && { recipe }) };
  const { split: _, training, ...parts } = origin.config;
  const base = { ...parts, training: { ...training, threads: 0, freeze: [], users: 1 } };
  return { ...choice, recipe: origin.run.manifest.recipe, base };
}

/** The model that weights are carried to. */
export interface Target {
  readonly config: RecipeConfig;
  readonly params: Params;
  readonly data: { readonly directory: string; readonly fingerprint: string };
  /** The space of each feature table that it reads. */
  readonly spaces: Readonly<Record<string, string>>;
}

export interface Carried {
  /** Values by the names of weights and of constants. */
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** What was carried and what was not, in sentences. */
  readonly notes: readonly string[];
}

/**
 * The weights of a run that have a place in the model: those of its backbone and of what it makes of items' contents. A
 * row for each item (an id table) is carried to the same data only.
 *
 * @throws ConfigError, DataError where the two do not fit together, or nothing is known of items but their ids
 */
export function carry(origin: Origin, target: Target): Carried {
  const { run, tensors } = origin;
  const same = run.manifest.dataset.fingerprint === target.data.fingerprint;
  refuseOtherBackbone(origin, target);
  if (!same) refuseOtherSpaces(origin, target);
  const { graph, tables } = target.params;
  const places = [...graph.params.keys()].filter((name) => same || !tables.has(name));
  const names = places.filter((name) => tensors[name] !== undefined);
  for (const name of names) refuseOtherShape(origin, target, name);
  const content = names.filter((name) => name.startsWith("items.") && !tables.has(name));
  if (content.length === 0 && !same) throw idsAlone(origin);
  const fresh = places.filter((name) => !names.includes(name) && !(same && graph.frozen.has(name)));
  refuseHoles(origin, { names, fresh });
  const left = Object.keys(tensors).filter((name) => !names.includes(name));
  const own = [...graph.params.keys()].filter((name) => !names.includes(name) && !graph.frozen.has(name));
  return {
    tensors: Object.fromEntries(names.map((name) => [name, tensors[name]!])),
    notes: [
      `starts from ${run.directory} (${run.manifest.recipe}): ${partsOf(names).join(", ")} carried`,
      ...(left.length > 0 ? [`not carried: ${left.map((name) => why(origin, name)).join(", ")}`] : []),
      ...(own.length > 0 ? [`not of that run, starts anew: ${partsOf(own).join(", ")}`] : []),
    ],
  };
}

/** The record of where weights came from, for run.json in `out`. */
export const initOf = ({ run }: Origin, out: string): NonNullable<RunManifest["init"]> => ({
  run: relative(resolve(out), resolve(run.directory)),
  recipe: run.manifest.recipe,
  dataset: run.manifest.dataset.fingerprint,
  weights: run.manifest.files[runFiles.weights]!,
});

/** The part that a parameter belongs to: backbone, items.text, auxiliary.attributes … */
const partOfName = (name: string): string =>
  name
    .split(".")
    .slice(0, /^(items|output|auxiliary)\./.test(name) ? 2 : 1)
    .join(".");

const partsOf = (names: readonly string[]): string[] => [...new Set(names.map(partOfName))];

function why({ run, tensors }: Origin, name: string): string {
  const ofItems = tensors[name]!.shape[0] === run.manifest.dataset.items;
  return ofItems ? `${name} (a row for each item of the other catalogue)` : `${name} (has no place here)`;
}

/** Settings of a backbone that change nothing of what its weights mean. */
const harmless = /dropout/i;

function refuseOtherBackbone({ run, config }: Origin, target: Target): void {
  const [theirs, ours] = [config.backbone, target.config.backbone];
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    if (harmless.test(key) || theirs[key] === ours[key]) continue;
    const message = `${run.directory}: its backbone.${key} is ${JSON.stringify(theirs[key])}, not ${JSON.stringify(ours[key])}, so its weights do not fit; leave --recipe and backbone.${key} out, or train anew`;
    throw new ConfigError("init-backbone", message, { key });
  }
}

function refuseOtherSpaces({ run: { directory, manifest } }: Origin, { data, spaces }: Target): void {
  for (const [table, space] of Object.entries(spaces)) {
    if (manifest.features?.[table] === undefined) continue; // the target's own
    const theirs = manifest.spaces?.[table];
    if (theirs === space) continue;
    const how =
      theirs === undefined
        ? `${directory} does not say how its features "${table}" were made; train it again with this version`
        : `features "${table}" of ${data.directory} are not in the space of those that ${directory} was trained with; make them with the same encoder, or "sequitur encode --data ${data.directory} --like ${directory}"`;
    throw new DataError("other-space", how, { table, theirs, space });
  }
}

function refuseOtherShape({ run, tensors }: Origin, { params }: Target, name: string): void {
  const [theirs, ours] = [tensors[name]!.shape, params.graph.params.get(name)!.value.shape];
  if (formatShape(theirs) === formatShape(ours)) return;
  const message = `${run.directory}: its ${name} is ${formatShape(theirs)}, but ${formatShape(ours)} here; give both runs the same settings of ${partOfName(name)}`;
  throw new ConfigError("init-shape", message, { name, theirs, ours });
}

function idsAlone({ run }: Origin): ConfigError {
  const message = `${run.directory}: ${run.manifest.recipe} knows its items by ids alone, which say nothing of other items; start from a run with contents, such as sasrec-text`;
  return new ConfigError("init-ids", message, { run: run.directory });
}

/** A part is carried whole or not at all. @throws ConfigError */
function refuseHoles(
  { run }: Origin,
  { names, fresh }: { readonly names: readonly string[]; readonly fresh: readonly string[] },
): void {
  const parts = new Set(partsOf(names));
  const hole = fresh.find((name) => parts.has(partOfName(name)) || name.startsWith("backbone."));
  if (hole === undefined) return;
  const message = `${run.directory}: it has no ${hole}, which the model has here; give both runs the same settings of ${partOfName(hole)}`;
  throw new ConfigError("init-hole", message, { name: hole });
}
