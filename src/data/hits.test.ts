import { describe, expect, it } from "vitest";
import { type BatchOptions, emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import { hitMarker } from "./hits.ts";

const items = 12;
const histories = [
  [0, 1, 2, 3, 4, 5, 6, 7], // longer than what a batch holds of it
  [8, 9, 8, 10],
  [2, 11],
  [1, 5, 9],
];
const offsets = Int32Array.from([0, ...histories.map((_, h) => histories.slice(0, h + 1).flat().length)]);
const sequences = { offsets, sequence: Int32Array.from(histories.flat()) };
const options = { rows: 2, width: 4, maxLength: 3, seed: 3, epoch: 1 };
const layouts: Record<string, BatchOptions> = {
  "packed rows": options,
  "padded rows": { ...options, padded: { predictions: 7, targets: "all" } },
  beginnings: { ...options, padded: { predictions: 2, targets: "last" } },
};

const drawn = [7, 8, 2, 9, 1];
const follows = (history: readonly number[], item: number, next: number): boolean =>
  history.some((value, at) => value === item && history[at + 1] === next);

describe("marks of false negatives", () => {
  const cases = Object.keys(layouts).flatMap((layout) =>
    (["step", "token"] as const).map((each) => [layout, each] as const),
  );
  it.each(cases)("are the draws in the whole history, for %s and one draw a %s", (layout, each) => {
    const epoch = planEpoch(sequences, layouts[layout]!);
    const batch = emptyBatch(layouts[layout]!);
    const predictions = batch.target.length;
    const mark = hitMarker({ sequences, items, draws: drawn.length, predictions, each });
    let seen = 0;
    for (let step = 0; step < 2 * epoch.steps; step++) {
      fillBatch(epoch, step % epoch.steps, batch);
      const draws = Int32Array.from({ length: each === "step" ? 5 : 5 * predictions }, (_, k) =>
        each === "step" ? drawn[k]! : (5 * k + step) % items,
      );
      const hits = mark(batch, draws);
      for (let t = 0; t < predictions; t++) {
        const item = batch.item[batch.place?.[t] ?? t]!;
        const owner = histories.find((h) => follows(h, item, batch.target[t]!))!; // no two share such a pair
        const real = batch.weight[t] === 1;
        const own = [...draws.subarray(each === "step" ? 0 : 5 * t)].slice(0, 5);
        const expected = own.map((draw) => Number(real && owner.includes(draw)));
        expect([...hits.subarray(5 * t, 5 * t + 5)]).toEqual(expected);
        seen += Number(real);
      }
    }
    expect(seen).toBe(2 * epoch.tokens);
  });
});
