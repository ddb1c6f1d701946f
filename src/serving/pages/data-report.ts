/** @file What is known of the data behind a run: counts, long tail, lengths of histories, time. */

import type { Dataset } from "../../data/dataset.ts";
import { doublingBins, longTail, spans } from "./counts.ts";
import type { DataAnswer } from "./schemas.ts";

const tailPoints = 100;
const periods = 60;

export function dataReport({ manifest, users, items, offsets, sequence, times }: Dataset): DataAnswer {
  const lengths = Int32Array.from(users, (_, user) => offsets[user + 1]! - offsets[user]!);
  const counts = new Int32Array(items.length);
  for (const item of sequence) counts[item]!++;
  const { first, last } = manifest.time;
  const timed = times !== undefined && first !== undefined && last !== undefined;
  return {
    fingerprint: manifest.fingerprint,
    ...manifest.counts,
    steps: manifest.steps,
    columns: manifest.metadata.columns,
    historyLengths: doublingBins(lengths),
    itemCounts: doublingBins(counts),
    longTail: longTail(counts, tailPoints),
    ...(timed && { time: { first, last, periods: spans(times, first, last, periods) } }),
  };
}
