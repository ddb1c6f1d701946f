/** @file The popularity baseline: every history gets the same scores, the training interactions of each item. */

import type { Scorer } from "./scorer.ts";

/** Rows a call may ask for; they are equal, so a few are enough. */
const BATCH = 64;

/** The definition of the baseline: a scorer whose scores are training interactions (exact up to 2^24 of them). */
export function popularityScorer(counts: ArrayLike<number>): Scorer {
  const row = Float32Array.from(counts);
  const rows = new Float32Array(BATCH * row.length);
  for (let q = 0; q < BATCH; q++) rows.set(row, q * row.length);
  return {
    items: row.length,
    maxLength: 1,
    batch: BATCH,
    score: async ({ offsets }) => rows.subarray(0, (offsets.length - 1) * row.length),
    dispose: async () => {},
  };
}

/** How often each of `items` items occurs in training sequences. */
export function countItems(sequence: Int32Array, items: number): Int32Array {
  const counts = new Int32Array(items);
  for (const item of sequence) counts[item]!++;
  return counts;
}
