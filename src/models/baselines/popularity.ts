/** @file Popular items, of all times or of late: the same list for everybody. */
import { z } from "zod";
import { DataError } from "../../tensor/errors.ts";
import { type BaselineState, countItems, defineBaseline } from "./define.ts";

const all = z.strictObject({ name: z.literal("popularity").default("popularity") });
const recent = z.strictObject({
  name: z.literal("recent-popularity").default("recent-popularity"),
  days: z
    .number()
    .positive()
    .default(30)
    .describe("length of the window before the last training interaction"),
});

const stored = (counts: Float32Array): BaselineState => ({
  counts: { data: counts, shape: [counts.length] },
});
const scorer = ({ counts }: BaselineState) => {
  const row = counts!.data as Float32Array;
  return (_: Int32Array, scores: Float32Array): void => scores.set(row);
};

/** Training interactions of each item. */
export const popularity = defineBaseline<z.infer<typeof all>>({
  name: "popularity",
  summary: "the same popular items for everybody",
  source: "counts of the training interactions",
  config: all,
  fit: ({ sequences, count }) => stored(countItems(sequences.sequence, count)),
  scorer,
});

const day = 86_400;

/** Training interactions of each item in the last days; all interactions, at a millionth, decide among equals. */
export const recentPopularity = defineBaseline<z.infer<typeof recent>>({
  name: "recent-popularity",
  summary: "the items that were popular of late, for everybody",
  source: "counts of the training interactions in a recent window",
  config: recent,
  needsTimes: true,
  fit({ sequences: { sequence }, times, count }, { days }) {
    if (!times)
      throw new DataError(
        "no-times",
        "recent-popularity: this dataset has no times, only an order; use popularity",
      );
    const last = times.reduce((latest, time) => Math.max(latest, time), Number.NEGATIVE_INFINITY);
    const counts = countItems(sequence, count).map((n) => n * 1e-6);
    for (const [i, item] of sequence.entries()) if (times[i]! > last - days * day) counts[item]!++;
    return stored(counts);
  },
  scorer,
});
