/** @file The kind of part that adds a term of its own to the loss of a training step. */
import type { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import type { Params } from "../../nn/params.ts";
import type { Tensor } from "../../tensor/spec.ts";
import type { ItemContent } from "../items/content.ts";

export interface AuxiliaryInput {
  /** States of the predictions [T, D], as the backbone gives them. */
  readonly h: Value;
  /** The item that followed: int32 [T]. */
  readonly target: Value;
  /** How much each counts: [T], zero for padding, one in all. */
  readonly weight: Value;
  /** N, rows of what has one for each item. */
  readonly count: number;
  /**
   * Looks at some items again: int32 [I] → vectors [I, D], by the encoder that histories are made of, with masks of its
   * own, where `share` of what is known of them is lost. Each look needs a name of its own.
   */
  readonly look: (items: Value, name: string, share: number) => Value;
}

/** A term of the loss beside the recommendation's. */
export interface Auxiliary<C = unknown> {
  /** Name in configurations. */
  readonly name: string;
  /** Paper or origin, and what differs from it. */
  readonly source: string;
  /** Checks and completes the settings, of which one is `weight`. */
  readonly config: z.ZodType;
  /** The term without its weight: a scalar. */
  apply(p: Params, input: AuxiliaryInput, config: C): Value;
  /** Why the term says nothing to a model with these items, in a sentence that says what to do; null where it does. */
  misfit?(items: { readonly name: string; readonly loses: boolean }): string | null;
  /** Completes the settings by what the data has, so that settings alone say the shapes. @throws DataError */
  settle?(content: ItemContent, config: C): Promise<{ readonly name: string; readonly weight: number }>;
  /** The values of the constants that `apply` declares, by name. */
  constants?(content: ItemContent, config: C): Promise<Record<string, Tensor>>;
}

export const defineAuxiliary = <C>(part: Auxiliary<C>): Auxiliary<C> => Object.freeze(part);
