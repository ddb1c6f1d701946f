/** @file The kinds of parts a recommender is composed of, and the functions that define one. */
import type { z } from "zod";
import type { Network } from "../content/network.ts";
import type { Masking } from "../data/masks.ts";
import type { Sequences } from "../data/sequences.ts";
import type { Graph, Value } from "../graph/graph.ts";
import type { Dropout } from "../nn/layers.ts";
import type { Params } from "../nn/params.ts";
import type { CallInThread } from "../runtime/thread.ts";
import { bool, f32, i32, type Tensor } from "../tensor/spec.ts";
import type { ItemContent } from "./items/content.ts";

interface Described {
  /** Name in configurations. */
  readonly name: string;
  /** Paper or origin, and what differs from it. */
  readonly source: string;
  /** Checks and completes the part's settings. */
  readonly config: z.ZodType;
}

/** Some of the tokens of rows. */
export interface TokenList {
  /** Their places in the rows laid end to end: int32 [T]. */
  readonly place: Value;
  /** 1 for tokens, 0 where the list is longer than there are tokens: [T]. */
  readonly weight: Value;
}

/** The tokens of rows: several histories may be in one row, told apart by their segment number. */
export interface SequenceInput {
  /** Vectors of the items: [B, L, D]. */
  readonly x: Value;
  /** 0 for the most recent item of a history, 1 for the one before …: int32 [B, L], or [1, L] where all rows agree. */
  readonly position: Value;
  /** Number of the history within its row; 0 is padding: int32 [B, L]. */
  readonly segment: Value;
  /** The tokens that are no padding, where they are known as a list: nothing need be computed for the others then. */
  readonly real?: TokenList;
  /**
   * Where the backbone needs times: when a token was met, and when what follows it is asked for, in seconds from a moment
   * of its history: int32 [B, L] each.
   */
  readonly times?: { readonly met: Value; readonly asked: Value } | undefined;
  /** The most items of a history that are used. */
  readonly maxLength: number;
  readonly dropout: Dropout;
  /** Traces a block, whose inner values may be computed again for the gradients (training.rematerialize). */
  readonly block: (trace: () => Value) => Value;
}

/** What a backbone asks of the rows it is given. */
export interface Needs {
  /** Rows that hold several histories end to end, or one history each, padded before its first item. */
  readonly rows: "packed" | "padded";
  /** Which items of its history a state depends on: those up to it, or all. */
  readonly sees: "past" | "all";
  /**
   * Times that it reads: none; those of the items up to a token; or also when the item after it was met, which is when
   * the question is asked. What knows the latter is not to be compared with what does not.
   */
  readonly times: "none" | "past" | "next";
}

/** What is true of a backbone that says nothing else. */
export const usualNeeds: Needs = { rows: "packed", sees: "past", times: "none" };

/** Turns item vectors into one state for each token, from the tokens of its segment that it may see. */
export interface Backbone<C = unknown> extends Described {
  dropout(config: C): number;
  /** Where it needs other rows than `usualNeeds`. */
  needs?(config: C): Partial<Needs>;
  apply(p: Params, input: SequenceInput, config: C): Value;
}

/** What a model is trained to say of a history. */
export interface Task<C = unknown> extends Described {
  /** Hides items, and their tokens predict them; without it, tokens predict the item that follows. */
  masking?(config: C): Masking;
}

/** Pretrained networks, by the names that settings call them. */
export type Networks = ReadonlyMap<string, Network>;

export interface ItemInput {
  /** N, the number of items. */
  readonly count: number;
  readonly drop: (probability: number) => Dropout;
  /** Loses some of what is known of each item; where items are looked at as they are, nothing does. */
  readonly lose?: Dropout | undefined;
  /** Those that the encoder is made of. */
  readonly networks?: Networks | undefined;
}

export interface ItemVectors {
  /** [N, D]; a row depends on nothing of other items. */
  readonly vectors: Value;
  /** Whether the encoder knows anything about each item: bool [N, 1]; null where it knows all. */
  readonly known: Value | null;
}

export interface UsedTable {
  readonly table: string;
  readonly columns: number;
}

/** Makes the item vectors. */
export interface ItemEncoder<C = unknown> extends Described {
  apply(p: Params, input: ItemInput, config: C): ItemVectors;
  /** Whether the vectors are computed from more than a weight of their own: what scores is then given them ready. */
  derived?(config: C): boolean;
  /** Completes the settings by what the data has, so that settings alone say the model's shapes. @throws DataError */
  settle?(content: ItemContent, config: C): Promise<{ readonly name: string }>;
  /** Feature tables that the vectors are made of, with their widths once settled (0 where only the start is). */
  tables?(config: C): readonly UsedTable[];
  /** Whether it reads what items say and show by themselves, beside or without feature tables. */
  readsItems?(config: C): boolean;
  /** Whether it knows more of an item than its id, of which `lose` loses some. */
  loses?(config: C): boolean;
  /** Names of pretrained networks that the encoder is made of: files, or folders with one. */
  networks?(config: C): readonly string[];
  /** The most items that are encoded at once, where each takes much memory. */
  atOnce?(config: C): number;
  /** The values of the constants that `apply` declares without any, by name. */
  constants?(content: ItemContent, config: C): Promise<Record<string, Tensor>>;
  /** Changes the first values of the encoder's parameters in place, where the data says something better than noise. */
  start?(input: StartInput, config: C): Promise<void>;
}

export interface StartInput {
  /** The training histories. */
  readonly sequences: Sequences;
  readonly content: ItemContent;
  readonly count: number;
  readonly seed: number;
  /** Values by the names that `apply` declares. */
  readonly params: Readonly<Record<string, Float32Array>>;
  /** Calls an exported function where it does not hold up the event loop; for long arithmetic. */
  readonly inThread: CallInThread;
}

/** The vectors that states are compared with, ready for the inner product. */
export interface Candidates {
  /** Those of all items: [N, D]. */
  all(): Value;
  /** Those of some items: int32 [I…] → [I…, D]; nothing is computed for the others. */
  rows(items: Value): Value;
}

export interface LossInput {
  /** States [T, D], ready for the inner product. */
  readonly h: Value;
  readonly items: Candidates;
  /** The item that followed: int32 [T]. */
  readonly target: Value;
  /** How much each token counts: [T], zero for padding, one in all. */
  readonly weight: Value;
  /** Multiplies every inner product (1/temperature). */
  readonly scale: number;
  /** Items drawn for the step, where the loss asks for some by `sampling`. */
  readonly negatives: NegativeInput | null;
  /** N, the number of items of the catalogue. */
  readonly count: number;
}

export interface NegativeInput {
  /** int32 [K] for all tokens, or [T, K] where each has its own; repeats are possible. */
  readonly items: Value;
  /** log(1 / (K · q)) of each, where q is the probability to draw it. */
  readonly correction: Value;
  /** Whether each is an item of the token's whole history: bool [T, K]; given where they are to be left out. */
  readonly hits: Value | null;
}

/** How negatives are drawn. */
export interface Sampling {
  /** K, items drawn for a step, or for each token of it. */
  readonly draws: number;
  /** They are drawn in proportion to (interactions + 1) to this power. */
  readonly power: number;
  readonly each: "step" | "token";
  /** Draws that do not count: none, those of the token's target, or those of any item of its whole history. */
  readonly leaveOut: "none" | "target" | "history";
  /** All items, the targets of the step, or half of the draws from each; or each target once, and the rest from all. */
  readonly from: "catalogue" | "batch" | "both" | "targets";
}

/** Shape of the draws of a step of so many tokens. */
export const drawnShape = ({ draws, each }: Sampling, tokens: number): number[] =>
  each === "step" ? [draws] : [tokens, draws];

/** The inputs of a step's draws for so many tokens: `negatives`, `correction`, and `hits` where they are to be left out. */
export function negativeInputs(graph: Graph, sampling: Sampling, tokens: number): NegativeInput {
  const shape = drawnShape(sampling, tokens);
  const { leaveOut, draws } = sampling;
  return {
    items: graph.input("negatives", i32(...shape)),
    correction: graph.input("correction", f32(...shape)),
    hits: leaveOut === "history" ? graph.input("hits", bool(tokens, draws)) : null,
  };
}

/** The loss of a step: a scalar, the mean over its tokens by weight. */
export interface Loss<C = unknown> extends Described {
  /** The negatives that the loss wants; without it, none. */
  sampling?(config: C): Sampling;
  apply(input: LossInput, config: C): Value;
}

/** A parameter, or a stretch of one where the optimizer is elementwise. */
export interface UpdateInput {
  readonly param: Float32Array;
  readonly gradient: Float32Array;
  readonly slots: Readonly<Record<string, Float32Array>>;
  /** Number of this update, from 1. */
  readonly step: number;
  readonly learningRate: number;
}

/** Updates parameters in place; its state is arrays of the parameter's size, kept by name. */
export interface Optimizer<C = unknown> extends Described {
  readonly slots: readonly string[];
  /** Whether each element's update needs no other element, so that parameters may be updated in stretches. */
  readonly elementwise: boolean;
  update(input: UpdateInput, config: C): void;
}

export const defineBackbone = <C>(part: Backbone<C>): Backbone<C> => Object.freeze(part);
export const defineTask = <C>(part: Task<C>): Task<C> => Object.freeze(part);
export const defineItemEncoder = <C>(part: ItemEncoder<C>): ItemEncoder<C> => Object.freeze(part);
export const defineLoss = <C>(part: Loss<C>): Loss<C> => Object.freeze(part);
export const defineOptimizer = <C>(part: Optimizer<C>): Optimizer<C> => Object.freeze(part);
