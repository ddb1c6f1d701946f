/** @file Training batches: what one training step is fed, as flat arrays of R rows of W tokens. */

import { ConfigError } from "../tensor/errors.ts";
import { type Masked, planMasked } from "./masked.ts";
import { packRows } from "./pack.ts";
import { type Padding, planPadded } from "./padded.ts";
import { inputLengths, type Sequences } from "./sequences.ts";
import { writeTimes } from "./times.ts";

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
  /** Whether tokens carry their times. */
  readonly timed?: boolean;
  /** Where rows hold one history each; without it, they hold several end to end, and every token is learned from. */
  readonly padded?: Padding;
  /** Where items of histories are hidden, and predicted in their places; without it, tokens predict what follows. */
  readonly masked?: Masked;
}

/** One step: tokens in arrays [R, W] row by row, and T predictions, which are those of all tokens unless `place` says. */
export interface Batch {
  /** The input item, or `hiddenItem`; 0 in padding. */
  readonly item: Int32Array;
  /** How many inputs of the same history come after this one: 0 is the most recent; 0 in padding. */
  readonly position: Int32Array;
  /** Which history of the row a token belongs to, from 1; 0 in padding. */
  readonly segment: Int32Array;
  /** Where tokens carry times: when each was met and when the item after it was, by `relativeSeconds`; 0 in padding. */
  readonly met?: Int32Array;
  readonly next?: Int32Array;
  /** The tokens that predict, by their places in the rows laid end to end: [T], and then 0. */
  readonly place?: Int32Array;
  /** The item that is predicted: [T]; 0 where there is none. */
  readonly target: Int32Array;
  /** Which of the sequences it is a prediction of: [T]; 0 where there is none. */
  readonly history: Int32Array;
  /** 1 for predictions, 0 for the rest: [T]. */
  readonly weight: Float32Array;
}

/** The steps of one epoch: every history with two items or more is learned from exactly once. */
export interface Epoch {
  readonly options: BatchOptions;
  readonly steps: number;
  /** Rows in the whole epoch. */
  readonly rows: number;
  /** Predictions that are learned in the whole epoch. */
  readonly tokens: number;
  /** The share of the rows' places that hold tokens, 0 to 1. */
  readonly utilisation: number;
  /** Writes one step into an emptied batch and returns its number of predictions. */
  readonly fill: (step: number, batch: Batch) => number;
}

/** Plans an epoch, a pure function of the sequences and the options; ConfigError where a size is not possible. */
export function planEpoch(sequences: Sequences, options: BatchOptions): Epoch {
  checkSizes(options);
  const { padded, masked } = options;
  if (padded) return planPadded(sequences, { ...options, ...padded });
  return masked ? planMasked(sequences, { ...options, ...masked }) : planPacked(sequences, options);
}

function planPacked(sequences: Sequences, options: BatchOptions): Epoch {
  const { rows, width, maxLength, seed, epoch } = options;
  const lengths = inputLengths(sequences, maxLength);
  const packing = packRows({ lengths, width, seed, epoch });
  const { tokens, utilisation, offsets, members } = packing;
  const fill = (step: number, batch: Batch): number => {
    let tokens = 0;
    const first = step * rows;
    for (let row = first; row < Math.min(first + rows, packing.rows); row++) {
      let place = (row - first) * width;
      for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
        const history = members[i]!;
        const length = lengths[history]!;
        writeHistory(sequences, { history, length, place, segment: i - offsets[row]! + 1 }, batch);
        place += length;
        tokens += length;
      }
    }
    return tokens;
  };
  return { options, steps: Math.ceil(packing.rows / rows), rows: packing.rows, tokens, utilisation, fill };
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
export function emptyBatch(
  options: Pick<BatchOptions, "rows" | "width" | "padded" | "masked" | "timed">,
): Batch {
  const { rows, width, padded, masked, timed } = options;
  const integers = (size: number) => new Int32Array(size);
  const tokens = rows * width;
  const chosen = (padded ?? masked)?.predictions;
  const predictions = chosen ?? tokens;
  return {
    item: integers(tokens),
    position: integers(tokens),
    segment: integers(tokens),
    ...(timed ? { met: integers(tokens), next: integers(tokens) } : {}),
    ...(chosen ? { place: integers(predictions) } : {}),
    target: integers(predictions),
    history: integers(predictions),
    weight: new Float32Array(predictions),
  };
}

/**
 * Writes one step into a batch and returns its number of predictions; the last step of an epoch may end with empty rows.
 *
 * @example for (let step = 0; step < epoch.steps; step++) { const tokens = fillBatch(epoch, step, batch); … }
 */
export function fillBatch(epoch: Epoch, step: number, batch: Batch): number {
  for (const values of Object.values(batch) as (Int32Array | Float32Array)[]) values.fill(0);
  return epoch.fill(step, batch);
}

interface Written {
  readonly history: number;
  readonly length: number;
  readonly place: number;
  readonly segment: number;
}

/** Writes the most recent part of a history from a place on. */
function writeHistory(
  sequences: Sequences,
  { history, length, place, segment }: Written,
  batch: Batch,
): void {
  const { offsets, sequence } = sequences;
  const start = offsets[history + 1]! - 1 - length;
  writeTimes(sequences, { start, length, place }, batch);
  for (let i = 0; i < length; i++) {
    batch.item[place + i] = sequence[start + i]!;
    batch.target[place + i] = sequence[start + i + 1]!;
    batch.position[place + i] = length - 1 - i;
    batch.segment[place + i] = segment;
    batch.history[place + i] = history;
    batch.weight[place + i] = 1;
  }
}
