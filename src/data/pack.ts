/** @file Sequence packing: several histories laid end to end in rows of one width, so that no padding is computed. */

import { ConfigError } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";

/** What is packed, how wide the rows are (in tokens), and the two numbers that fix the order. */
export interface PackOptions {
  readonly lengths: Int32Array;
  readonly width: number;
  readonly seed: number;
  readonly epoch: number;
}

/** Rows of histories: row `r` holds the histories `members[offsets[r] .. offsets[r + 1])`, in that order. */
export interface Packing {
  readonly rows: number;
  readonly offsets: Int32Array;
  readonly members: Int32Array;
  /** Tokens in all rows. */
  readonly tokens: number;
  /** The share of the rows' places that hold tokens, 0 to 1. */
  readonly utilisation: number;
}

/**
 * Packs every history of length above 0 into exactly one row, best fit decreasing (Johnson 1973): the longest history
 * first, each into the fullest row that still holds it.
 *
 * Histories of equal length and the finished rows are put in random order, so rows and batches differ from epoch to
 * epoch; the result depends on (lengths, width, seed, epoch) alone. ConfigError where a history is wider than a row.
 */
export function packRows({ lengths, width, seed, epoch }: PackOptions): Packing {
  const random = stream(seed, "packing", epoch);
  const order = longestFirst(lengths, width, random.shuffle(indices(lengths.length)));
  const { rows, rowOf, tokens } = bestFit(order, lengths, width);
  const names = random.shuffle(indices(rows)); // old row number → new row number
  const utilisation = rows === 0 ? 1 : tokens / (rows * width);
  return { rows, ...collect(order, rowOf, names), tokens, utilisation };
}

function indices(count: number): Int32Array {
  const values = new Int32Array(count);
  for (let i = 0; i < count; i++) values[i] = i;
  return values;
}

/** The histories that have tokens, longest first, equal lengths in the given order (counting sort). */
function longestFirst(lengths: Int32Array, width: number, order: Int32Array): Int32Array {
  const starts = new Int32Array(width + 2);
  for (const length of lengths) {
    if (length > width || length < 0) {
      const what = `packing: a history of ${length} tokens does not fit in a row of ${width}; truncate it first`;
      throw new ConfigError("history-too-long", what, { length, width });
    }
    if (length > 0) starts[width - length + 1]!++;
  }
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  const sorted = new Int32Array(starts[width]!);
  for (const index of order) {
    const length = lengths[index]!;
    if (length > 0) sorted[starts[width - length]!++] = index;
  }
  return sorted;
}

/** Puts each history into the row with the least room that still holds it, or into a new row. */
function bestFit(order: Int32Array, lengths: Int32Array, width: number) {
  const rowOf = new Int32Array(order.length);
  const firstWith = new Int32Array(width + 1).fill(-1); // room → a row with exactly that room, or -1
  const next = new Int32Array(order.length); // row → another row with the same room, or -1
  let rows = 0;
  let tokens = 0;
  for (let i = 0; i < order.length; i++) {
    const length = lengths[order[i]!]!;
    let room = length;
    while (room < width && firstWith[room] === -1) room++;
    const row = firstWith[room] === -1 ? rows++ : firstWith[room]!;
    if (row === firstWith[room]) firstWith[room] = next[row]!;
    next[row] = firstWith[room - length]!;
    firstWith[room - length] = row;
    rowOf[i] = row;
    tokens += length;
  }
  return { rows, rowOf, tokens };
}

/** The rows as lists of members, row `r` under the name `names[r]`. */
function collect(order: Int32Array, rowOf: Int32Array, names: Int32Array) {
  const offsets = new Int32Array(names.length + 1);
  for (const row of rowOf) offsets[names[row]! + 1]!++;
  for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!;
  const free = offsets.slice();
  const members = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) members[free[names[rowOf[i]!]!]!++] = order[i]!;
  return { offsets, members };
}
