/** @file Packed training batches: what one training step is fed, as flat arrays of R rows of W tokens. */

import { ConfigError } from "../tensor/errors.ts";
import { type Packing, packRows } from "./pack.ts";
import type { Sequences } from "./sequences.ts";

/** The shape of the steps and what fixes their order. */
export interface BatchOptions {
  /** Rows in a step (R). */
  readonly rows: number;
  /** Tokens in a row (W), at least `maxLength`. */
  readonly width: number;
  /** The most inputs of a history that are used: the most recent ones. */
  readonly maxLength: number;
  readonly seed: number;
  readonly epoch: number;
}

/** One step's tokens, each array [R, W] row by row. */
export interface Batch {
  /** The input item; 0 in padding. */
  readonly item: Int32Array;
  /** The item that follows the input; 0 in padding. */
  readonly target: Int32Array;
  /** How many inputs of the same history come after this one: 0 is the most recent; 0 in padding. */
  readonly position: Int32Array;
  /** Which history of the row a token belongs to, from 1; 0 in padding. */
  readonly segment: Int32Array;
  /** 1 for tokens, 0 for padding. */
  readonly weight: Float32Array;
}

/** The steps of one epoch: every history with two items or more is in exactly one row of one step. */
export interface Epoch {
  readonly options: BatchOptions;
  readonly sequences: Sequences;
  readonly packing: Packing;
  readonly steps: number;
  /** Tokens in the whole epoch, which are also the predictions that are learned. */
  readonly tokens: number;
}

/** Plans an epoch, a pure function of the sequences and the options; ConfigError where a size is not possible. */
export function planEpoch(sequences: Sequences, options: BatchOptions): Epoch {
  checkSizes(options);
  const { rows, width, maxLength, seed, epoch } = options;
  const { offsets } = sequences;
  const lengths = new Int32Array(offsets.length - 1);
  for (let i = 0; i < lengths.length; i++) {
    lengths[i] = Math.max(0, Math.min(offsets[i + 1]! - offsets[i]! - 1, maxLength));
  }
  const packing = packRows({ lengths, width, seed, epoch });
  return { options, sequences, packing, steps: Math.ceil(packing.rows / rows), tokens: packing.tokens };
}

function checkSizes({ rows, width, maxLength }: BatchOptions): void {
  for (const [name, value] of Object.entries({ rows, width, maxLength })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ConfigError("bad-batch", `batch ${name}: ${value} is not a positive integer`, {
      [name]: value,
    });
  }
  if (maxLength > width) {
    const what = `batch: histories of ${maxLength} tokens do not fit in rows of ${width}; make the rows wider`;
    throw new ConfigError("bad-batch", what, { maxLength, width });
  }
}

/** An empty batch, to be filled by `fillBatch` over and over. */
export function emptyBatch({ rows, width }: Pick<BatchOptions, "rows" | "width">): Batch {
  const integers = () => new Int32Array(rows * width);
  const weight = new Float32Array(rows * width);
  return { item: integers(), target: integers(), position: integers(), segment: integers(), weight };
}

/**
 * Writes one step into a batch and returns its number of tokens; the last step of an epoch may end with empty rows.
 *
 * @example for (let step = 0; step < epoch.steps; step++) { const tokens = fillBatch(epoch, step, batch); … }
 */
export function fillBatch(epoch: Epoch, step: number, batch: Batch): number {
  const { rows, width } = epoch.options;
  const { offsets, members } = epoch.packing;
  for (const values of [batch.item, batch.target, batch.position, batch.segment, batch.weight])
    values.fill(0);
  let tokens = 0;
  const first = step * rows;
  for (let row = first; row < Math.min(first + rows, epoch.packing.rows); row++) {
    let place = (row - first) * width;
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
      const written = writeHistory(epoch, members[i]!, batch, place, i - offsets[row]! + 1);
      place += written;
      tokens += written;
    }
  }
  return tokens;
}

/** Writes the most recent part of a history from a place on and returns how many tokens that were. */
function writeHistory(epoch: Epoch, history: number, batch: Batch, place: number, segment: number): number {
  const { offsets, sequence } = epoch.sequences;
  const end = offsets[history + 1]!;
  const length = Math.min(end - offsets[history]! - 1, epoch.options.maxLength);
  const start = end - 1 - length;
  for (let i = 0; i < length; i++) {
    batch.item[place + i] = sequence[start + i]!;
    batch.target[place + i] = sequence[start + i + 1]!;
    batch.position[place + i] = length - 1 - i;
    batch.segment[place + i] = segment;
    batch.weight[place + i] = 1;
  }
  return length;
}
