/** @file The configuration of a recommender: one schema, from which defaults, checks and documentation come. */
import { z } from "zod";
import type { Masking } from "../data/masks.ts";
import { devices } from "../runtime/device.ts";
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { refuseTerms, type TermConfigs, termConfigs } from "./auxiliary/terms.ts";
import { baselineOf } from "./baselines/index.ts";
import { checked, section } from "./checked.ts";
import { type Needs, usualNeeds } from "./define.ts";
import { refuseMisfits } from "./misfits.ts";
import { type PartKind, parts } from "./parts.ts";

export const Scoring = z.strictObject({
  similarity: z
    .enum(["dot", "cosine"])
    .default("dot")
    .describe("how a state and an item vector are compared"),
  temperature: z.number().positive().default(0.07).describe("divides cosine scores"),
  output: z
    .enum(["tied", "separate"])
    .default("tied")
    .describe(
      "item vectors that states are compared with: those that histories are made of, or others by a second encoder of the same kind",
    ),
  prior: z
    .enum(["none", "markov"])
    .default("none")
    .describe(
      "what counting alone says of the next item, added to the trained model's scores as log-probabilities",
    ),
  priorWeight: z
    .number()
    .min(0)
    .max(10)
    .default(0.15)
    .describe("what the log-probabilities are multiplied by"),
  neighbourWeight: z
    .number()
    .min(0)
    .max(100)
    .default(0)
    .describe(
      "added to the trained model's scores for items whose content is near that of the history: what the cosines are multiplied by; 0: nothing is added",
    ),
  neighbourTable: z.string().min(1).default("text").describe("name of the feature table that is compared"),
  neighbourCount: z.int().min(1).max(10_000).default(100).describe("neighbours of an item that are kept"),
  neighbourDecay: z
    .number()
    .min(0)
    .max(1)
    .default(0.8)
    .describe("how much less the neighbours of an item count than those of the one after it"),
  neighbourUnseen: z
    .number()
    .min(0)
    .max(100)
    .default(1)
    .describe("how much more it counts where the neighbour is an item that training never met"),
});

export const Training = z.strictObject({
  epochs: z
    .int()
    .min(0)
    .max(100_000)
    .default(60)
    .describe("most passes over the training data; 0: all weights stay as they start"),
  patience: z.int().min(1).default(10).describe("epochs without a better validation NDCG@10 before it stops"),
  learningRate: z.number().positive().max(10).default(1e-3).describe("peak step size"),
  schedule: z
    .enum(["constant", "cosine", "linear"])
    .default("constant")
    .describe("how the step size falls over the epochs"),
  warmup: z.int().min(0).default(0).describe("steps over which the step size rises from zero"),
  batchTokens: z
    .int()
    .min(16)
    .max(1_048_576)
    .default(4096)
    .describe("tokens in a step; where rows are padded, predictions in a step"),
  rowLength: z
    .int()
    .min(1)
    .max(8192)
    .default(64)
    .describe("tokens in a packed row; at least maxLength, which is the width of padded rows"),
  targets: z
    .enum(["all", "last"])
    .default("all")
    .describe(
      "what is predicted: the item after every item of a history, or after the last of each of its beginnings",
    ),
  maxLength: z.int().min(1).max(8192).default(50).describe("most recent items of a history that are used"),
  averaging: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("decay of the moving average of the weights; 0 keeps none"),
  updates: z
    .enum(["read", "all"])
    .default("read")
    .describe("item vectors that an update changes where the loss reads only some: those it reads, or all"),
  rematerialize: z
    .boolean()
    .default(false)
    .describe("computes the inner values of blocks again for the gradients: less memory, more time"),
  threads: z
    .int()
    .min(0)
    .max(256)
    .default(0)
    .describe("threads of ONNX Runtime; 0 takes the machine's cores"),
  device: z.enum(devices).default("cpu").describe("where ONNX Runtime runs the model"),
  freeze: z
    .array(z.string().min(1))
    .default([])
    .describe(
      "parameters that stay as they start, and parts of which all do, such as backbone or items.text",
    ),
  users: z
    .number()
    .gt(0)
    .max(1)
    .default(1)
    .describe("share of the users that are trained and validated on, chosen by the seed; all are tested"),
});

export const SplitChoice = z.strictObject({
  kind: z
    .enum(["leave-one-out", "global-time"])
    .default("leave-one-out")
    .describe("how test and validation are set apart"),
  validationFraction: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe("global-time: share of interactions for validation"),
  testFraction: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe("global-time: share of interactions for the test"),
  cold: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("share of the items that training does without and that are met cold in the test"),
  coldSeed: z
    .int()
    .min(0)
    .nullable()
    .default(null)
    .describe("what chooses the cold items; null: the seed of the run"),
});

/** A part's own settings, with its name; checked by the part. */
export type PartConfig = { readonly name: string } & Readonly<Record<string, unknown>>;

export interface RecipeConfig {
  readonly items: PartConfig;
  readonly backbone: PartConfig;
  readonly task: PartConfig;
  readonly loss: PartConfig;
  /** Terms of the loss beside it, by label. */
  readonly auxiliary: TermConfigs;
  readonly optimizer: PartConfig;
  readonly scoring: z.infer<typeof Scoring>;
  readonly training: z.infer<typeof Training>;
  readonly split: z.infer<typeof SplitChoice>;
}

/** A baseline in the place of a model: counted or solved for, not trained step by step. */
export interface BaselineConfig {
  readonly baseline: PartConfig;
  readonly training: { readonly threads: number; readonly users: number };
  readonly split: z.infer<typeof SplitChoice>;
}

export type ModelConfig = RecipeConfig | BaselineConfig;

export const isBaseline = (config: ModelConfig): config is BaselineConfig => "baseline" in config;

const baselineSections = {
  training: Training.pick({ threads: true, users: true }),
  split: SplitChoice,
} as const;

export const sections = { scoring: Scoring, training: Training, split: SplitChoice } as const;
const keys = [...Object.keys(parts), ...Object.keys(sections)];

/** The part a configuration names. @throws ConfigError naming the nearest */
export function partOf<K extends PartKind>(kind: K, name: string): (typeof parts)[K][number] {
  const found = (parts[kind] as readonly { name: string }[]).find((part) => part.name === name);
  if (found) return found as (typeof parts)[K][number];
  const known = parts[kind].map((part) => part.name);
  throw new ConfigError("unknown-part", `${kind}.name: there is no "${name}"${suggest(name, known)}`, {
    kind,
    name,
  });
}

/** What the backbone of a configuration asks of its rows. */
export function needsOf({ backbone }: Pick<RecipeConfig, "backbone">): Needs {
  return { ...usualNeeds, ...partOf("backbone", backbone.name).needs?.(backbone as never) };
}

/** Tokens of a row (W): packed rows have a width of their own, padded rows that of the longest history. */
export const rowWidth = (config: RecipeConfig): number =>
  needsOf(config).rows === "padded" ? config.training.maxLength : config.training.rowLength;

/** How items are hidden while training; null where none are. */
export const maskingOf = ({ task }: Pick<RecipeConfig, "task">): Masking | null =>
  partOf("task", task.name).masking?.(task as never) ?? null;

/** The most items of a history that a model uses: where items are hidden, one token stands for the item to come. */
export const historyLength = (config: RecipeConfig): number =>
  config.training.maxLength - (maskingOf(config) ? 1 : 0);

/** Like `resolveConfig`, for a configuration that may name a baseline. @throws ConfigError */
export function resolveModelConfig(input: Readonly<Record<string, unknown>>): ModelConfig {
  if (input.baseline === undefined) return resolveConfig(input);
  const known = ["baseline", ...Object.keys(baselineSections)];
  for (const key of Object.keys(input)) {
    if (!known.includes(key))
      throw new ConfigError("unknown-setting", `a baseline has no setting "${key}"${suggest(key, known)}`, {
        key,
      });
  }
  const given = section("baseline", input.baseline);
  const part = baselineOf(String(given.name));
  const [training, split] = (["training", "split"] as const).map((key) =>
    checked(key, baselineSections[key], section(key, input[key])),
  );
  return { baseline: checked("baseline", part.config, given), training, split } as BaselineConfig;
}

/** Checks a configuration and completes it by the defaults. @throws ConfigError naming the setting and what is allowed */
export function resolveConfig(input: Readonly<Record<string, unknown>>): RecipeConfig {
  for (const key of Object.keys(input)) {
    if (!keys.includes(key))
      throw new ConfigError("unknown-setting", `there is no setting "${key}"${suggest(key, keys)}`, { key });
  }
  const resolved: Record<string, unknown> = {};
  for (const kind of Object.keys(parts) as PartKind[]) {
    const given = section(kind, input[kind]);
    if (kind === "auxiliary") {
      resolved[kind] = termConfigs(given);
      continue;
    }
    const name = given.name === undefined ? parts[kind][0]!.name : String(given.name);
    resolved[kind] = checked(kind, partOf(kind, name).config, { ...given, name });
  }
  for (const [key, schema] of Object.entries(sections))
    resolved[key] = checked(key, schema, section(key, input[key]));
  const config = resolved as unknown as RecipeConfig;
  refuseMisfits({ config, needs: needsOf(config), hides: maskingOf(config) !== null });
  refuseTerms(config);
  return config;
}

/** Puts a value at a dotted path, creating objects on the way: the form of `--set path.to.key=value`. */
export function setPath(
  config: Readonly<Record<string, unknown>>,
  path: string,
  value: unknown,
): Record<string, unknown> {
  const [key, ...rest] = path.split(".");
  if (!key)
    throw new ConfigError(
      "setting-path",
      `setting path "${path}" has an empty part; write it as training.epochs`,
      { path },
    );
  if (rest.length === 0) return { ...config, [key]: value };
  return { ...config, [key]: setPath(section(key, config[key]), rest.join("."), value) };
}
