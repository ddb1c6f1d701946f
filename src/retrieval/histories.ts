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

/** One history. */
export interface History {
  /** Oldest first. */
  readonly rows: Int32Array;
  /** When each was met, and when the question is asked, in seconds since 1970; absent where that is not known. */
  readonly times?: { readonly met: Float64Array; readonly asked: number } | undefined;
}

/** The items of a history for which a test holds. */
export function someItems({ rows, times }: History, holds: (row: number, at: number) => boolean): History {
  const kept = rows.filter(holds);
  if (kept.length === rows.length || !times) return { rows: kept, times };
  return { rows: kept, times: { ...times, met: times.met.filter((_, at) => holds(rows[at]!, at)) } };
}

/** Compressed rows of a few separate histories, each cut to its most recent `maxLength` items. */
export function packHistories(histories: readonly History[], maxLength: number): Histories {
  const offsets = new Int32Array(histories.length + 1);
  const recent = histories.map(({ rows }) => rows.subarray(Math.max(0, rows.length - maxLength)));
  recent.forEach((rows, q) => {
    offsets[q + 1] = offsets[q]! + rows.length;
  });
  const items = new Int32Array(offsets[histories.length]!);
  recent.forEach((rows, q) => {
    items.set(rows, offsets[q]!);
  });
  if (histories.every(({ times }) => !times)) return { offsets, items };
  const met = new Float64Array(items.length); // a history without times is as of one moment
  const asked = Float64Array.from(histories, ({ times }) => times?.asked ?? 0);
  histories.forEach(({ times }, q) => {
    const length = offsets[q + 1]! - offsets[q]!;
    if (times) met.set(times.met.subarray(times.met.length - length), offsets[q]!);
  });
  return { offsets, items, times: { met, asked } };
}
