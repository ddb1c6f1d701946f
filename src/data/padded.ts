/** @file Padded training batches: one history in a row, its most recent item in the last column. */

import { ConfigError } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import type { Batch, BatchOptions, Epoch } from "./batches.ts";
import { inputLengths, type Sequences } from "./sequences.ts";
import { writeTimes } from "./times.ts";

/** What is learned from padded rows. */
export interface Padding {
  /** The most predictions of a step (T). */
  readonly predictions: number;
  /** The item after every item of a history, or after the last of each of its beginnings, which are rows of their own. */
  readonly targets: "all" | "last";
}

export type PaddedOptions = BatchOptions & Padding;

/** The rows of an epoch in their order: row r holds `lengths[r]` items, from `starts[r]` on, of sequence `histories[r]`. */
interface Rows {
  readonly histories: Int32Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

/**
 * Plans an epoch in random order, steps filled greedily: to R rows, or to as many as have T predictions.
 *
 * @throws ConfigError where a history has more predictions than a step
 */
export function planPadded(sequences: Sequences, options: PaddedOptions): Epoch {
  const { width, maxLength, predictions, targets } = options;
  if (targets === "all" && maxLength > predictions) {
    const what = `batch: a history of ${maxLength} tokens does not fit in a step of ${predictions} predictions; make the steps larger`;
    throw new ConfigError("bad-batch", what, { maxLength, predictions });
  }
  const rows = shuffled(
    targets === "last" ? beginnings(sequences, maxLength) : whole(sequences, maxLength),
    options,
  );
  const steps = stepStarts(rows, options);
  const tokens = rows.lengths.reduce((a, b) => a + b, 0);
  const fill = (step: number, batch: Batch): number => {
    let count = 0;
    for (let row = steps[step]!; row < steps[step + 1]!; row++) {
      const length = rows.lengths[row]!;
      writeRow(sequences, { start: rows.starts[row]!, length, end: (row - steps[step]! + 1) * width }, batch);
      const first = targets === "last" ? length - 1 : 0;
      for (let i = first; i < length; i++, count++) {
        batch.place![count] = (row - steps[step]! + 1) * width - length + i;
        batch.target[count] = sequences.sequence[rows.starts[row]! + i + 1]!;
        batch.history[count] = rows.histories[row]!;
        batch.weight[count] = 1;
      }
    }
    return count;
  };
  return {
    options,
    steps: steps.length - 1,
    rows: rows.lengths.length,
    tokens: targets === "last" ? rows.lengths.length : tokens,
    utilisation: rows.lengths.length === 0 ? 1 : tokens / (rows.lengths.length * width),
    fill,
  };
}

/** The most recent part of each history with two items or more. */
function whole(sequences: Sequences, maxLength: number): Rows {
  const all = inputLengths(sequences, maxLength);
  const used = [...all.keys()].filter((history) => all[history]! > 0);
  return {
    histories: Int32Array.from(used),
    starts: Int32Array.from(used, (history) => sequences.offsets[history + 1]! - 1 - all[history]!),
    lengths: Int32Array.from(used, (history) => all[history]!),
  };
}

/** Every beginning of each of those. */
function beginnings(sequences: Sequences, maxLength: number): Rows {
  const recent = whole(sequences, maxLength);
  const count = recent.lengths.reduce((a, b) => a + b, 0);
  const array = () => new Int32Array(count);
  const rows = { histories: array(), starts: array(), lengths: array() };
  let row = 0;
  recent.lengths.forEach((longest, i) => {
    for (let length = 1; length <= longest; length++, row++) {
      rows.histories[row] = recent.histories[i]!;
      rows.starts[row] = recent.starts[i]!;
      rows.lengths[row] = length;
    }
  });
  return rows;
}

function shuffled({ histories, starts, lengths }: Rows, { seed, epoch }: PaddedOptions): Rows {
  const order = stream(seed, "rows", epoch).shuffle(Int32Array.from(starts.keys()));
  const ordered = (values: Int32Array): Int32Array => order.map((row) => values[row]!);
  return { histories: ordered(histories), starts: ordered(starts), lengths: ordered(lengths) };
}

/** The first row of each step, and the number of rows. */
function stepStarts({ lengths }: Rows, { rows, predictions, targets }: PaddedOptions): Int32Array {
  const starts = [0];
  let used = 0;
  lengths.forEach((length, row) => {
    const more = targets === "last" ? 1 : length;
    if (row - starts.at(-1)! === rows || used + more > predictions) {
      starts.push(row);
      used = 0;
    }
    used += more;
  });
  return Int32Array.from(lengths.length === 0 ? starts : [...starts, lengths.length]);
}

/** Writes items so that the last stands before `end`. */
function writeRow(
  sequences: Sequences,
  { start, length, end }: { readonly start: number; readonly length: number; readonly end: number },
  batch: Batch,
): void {
  const { sequence } = sequences;
  const { item, position, segment } = batch;
  writeTimes(sequences, { start, length, place: end - length }, batch);
  for (let i = 0; i < length; i++) {
    const place = end - length + i;
    item[place] = sequence[start + i]!;
    position[place] = length - 1 - i;
    segment[place] = 1;
  }
}

/** R for steps of so many predictions: as many rows as have them on average, and no more than there are. */
export function paddedRows(
  sequences: Sequences,
  maxLength: number,
  { predictions, targets }: Padding,
): number {
  const { lengths } = whole(sequences, maxLength);
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const share = targets === "last" ? 1 : lengths.length / Math.max(1, tokens);
  const most = targets === "last" ? tokens : lengths.length;
  return Math.max(1, Math.min(Math.ceil(predictions * share), most));
}
