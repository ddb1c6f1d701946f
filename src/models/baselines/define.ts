/** @file Baselines: scorers that are counted or solved for, not trained step by step. */
import type { z } from "zod";
import type { Sequences } from "../../data/sequences.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Tensor } from "../../tensor/spec.ts";

export interface FitInput {
  /** The training histories, oldest item first. */
  readonly sequences: Sequences;
  /** Seconds since 1970 beside the sequences; absent where only an order is known. */
  readonly times?: Float64Array | undefined;
  /** Number of items. */
  readonly count: number;
  readonly seed: number;
  readonly runtime: Runtime;
  readonly threads: number;
  /** Awaited between pieces of long arithmetic, so that the event loop has its turn. */
  readonly breathe?: (() => Promise<void>) | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** What a fit leaves behind, by name; stored as the weights of a run. */
export type BaselineState = Readonly<Record<string, Tensor>>;

/** Scores that are products: p·q_j + b_j for the vector p of a history, item vectors q [N, D] and biases b [N]. */
export interface Factors {
  readonly items: Tensor;
  readonly bias: Tensor;
  /** p [D] of a history, oldest item first. */
  vectorOf(history: Int32Array): Float32Array;
}

export interface Baseline<C = unknown> {
  /** Name in configurations. */
  readonly name: string;
  /** Paper or origin, and what differs from it. */
  readonly source: string;
  /** One line for the list of recipes. */
  readonly summary: string;
  readonly config: z.ZodType;
  /** Whether it needs the times of the interactions. */
  readonly needsTimes?: boolean;
  fit(input: FitInput, config: C): BaselineState | Promise<BaselineState>;
  /** A function that adds the scores of one history (oldest item first) to zeros [N]. */
  scorer(state: BaselineState, count: number, config: C): (history: Int32Array, scores: Float32Array) => void;
  /** What the same scores are products of, where they are, so that many histories may be multiplied at once. */
  factors?(state: BaselineState, config: C): Factors;
}

export const defineBaseline = <C>(baseline: Baseline<C>): Baseline<C> => Object.freeze(baseline);

/** How often each item occurs. */
export function countItems(sequence: Int32Array, count: number): Float32Array {
  const counts = new Float32Array(count);
  for (const item of sequence) counts[item]!++;
  return counts;
}
