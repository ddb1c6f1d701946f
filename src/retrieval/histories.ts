/** @file Cuts histories to what a model uses. */

import type { Histories } from "./scorer.ts";

/** The lists `from .. to` of compressed rows, each cut to its most recent `maxLength` items. */
export function recentHistories(rows: Histories, from: number, to: number, maxLength: number): Histories {
  const offsets = new Int32Array(to - from + 1);
  for (let q = 0; q < to - from; q++) {
    const length = rows.offsets[from + q + 1]! - rows.offsets[from + q]!;
    offsets[q + 1] = offsets[q]! + Math.min(length, maxLength);
  }
  const items = new Int32Array(offsets[to - from]!);
  const met = rows.times && new Float64Array(items.length);
  for (let q = 0; q < to - from; q++) {
    const end = rows.offsets[from + q + 1]!;
    const start = end - (offsets[q + 1]! - offsets[q]!);
    items.set(rows.items.subarray(start, end), offsets[q]!);
    met?.set(rows.times!.met.subarray(start, end), offsets[q]!);
  }
  return { offsets, items, times: met && { met, asked: rows.times!.asked.subarray(from, to) } };
}

/** Compressed rows of a few separate histories, each cut to its most recent `maxLength` items. */
export function packHistories(histories: readonly Int32Array[], maxLength: number): Histories {
  const offsets = new Int32Array(histories.length + 1);
  const recent = histories.map((history) => history.subarray(Math.max(0, history.length - maxLength)));
  recent.forEach((history, q) => {
    offsets[q + 1] = offsets[q]! + history.length;
  });
  const items = new Int32Array(offsets[histories.length]!);
  recent.forEach((history, q) => {
    items.set(history, offsets[q]!);
  });
  return { offsets, items };
}
