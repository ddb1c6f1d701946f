import fc from "fast-check";
import { expect, test } from "vitest";
import { type Batch, emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import type { Sequences } from "./sequences.ts";

function sequencesOf(lists: readonly (readonly number[])[]): Sequences {
  const offsets = Int32Array.from(
    [0, ...lists].map((_, i) => lists.slice(0, i).reduce((sum, l) => sum + l.length, 0)),
  );
  return { offsets, sequence: Int32Array.from(lists.flat()) };
}

/** The (inputs, targets) pairs of every segment of a batch. */
function segmentsOf(batch: Batch, rows: number, width: number): string[] {
  const found: string[] = [];
  for (let row = 0; row < rows; row++) {
    const places = Array.from({ length: width }, (_, i) => row * width + i);
    const last = Math.max(...places.map((place) => batch.segment[place]!));
    for (let segment = 1; segment <= last; segment++) {
      const own = places.filter((place) => batch.segment[place] === segment);
      expect(own).toEqual(own.map((_, i) => own[0]! + i));
      expect(own.map((place) => batch.position[place])).toEqual(own.map((_, i) => own.length - 1 - i));
      expect(own.every((place) => batch.weight[place] === 1)).toBe(true);
      found.push(`${own.map((place) => batch.item[place])}>${own.map((place) => batch.target[place])}`);
    }
    for (const place of places.filter((each) => batch.segment[each] === 0)) {
      expect([batch.item[place], batch.target[place], batch.position[place], batch.weight[place]]).toEqual([
        0, 0, 0, 0,
      ]);
    }
  }
  return found;
}

test("every history with two items is in an epoch exactly once, shifted by one, its most recent part", () => {
  const lists = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 12 }), { maxLength: 30 });
  fc.assert(
    fc.property(lists, fc.integer({ min: 1, max: 9 }), fc.integer(), (histories, maxLength, seed) => {
      const options = { rows: 3, width: 9, maxLength, seed, epoch: 2 };
      const epoch = planEpoch(sequencesOf(histories), options);
      const batch = emptyBatch(options);
      const found: string[] = [];
      let tokens = 0;
      for (let step = 0; step < epoch.steps; step++) {
        const written = fillBatch(epoch, step, batch);
        expect(batch.weight.reduce((sum, weight) => sum + weight, 0)).toBe(written);
        tokens += written;
        found.push(...segmentsOf(batch, 3, 9));
      }
      expect(tokens).toBe(epoch.tokens);
      const recent = histories
        .filter((history) => history.length >= 2)
        .map((history) => history.slice(-maxLength - 1));
      const expected = recent.map((history) => `${history.slice(0, -1)}>${history.slice(1)}`);
      expect(found.sort()).toEqual(expected.sort());
    }),
    { numRuns: 200 },
  );
});

test("a batch buffer that is used again holds nothing of the step before", () => {
  const epoch = planEpoch(
    sequencesOf([
      [1, 2, 3],
      [4, 5],
    ]),
    { rows: 1, width: 2, maxLength: 2, seed: 0, epoch: 0 },
  );
  const used = emptyBatch(epoch.options);
  for (let step = 0; step < epoch.steps; step++) {
    const fresh = emptyBatch(epoch.options);
    expect(fillBatch(epoch, step, used)).toBe(fillBatch(epoch, step, fresh));
    expect(used).toEqual(fresh);
  }
});

test("an epoch of 22,363 histories costs well under 50 ms", () => {
  const offsets = Int32Array.from({ length: 22_364 }, (_, i) => i * 7);
  const sequences = { offsets, sequence: new Int32Array(22_363 * 7).fill(3) };
  const options = { rows: 64, width: 64, maxLength: 50, seed: 0, epoch: 0 };
  const batch = emptyBatch(options);
  const run = (epoch: number) => {
    const plan = planEpoch(sequences, { ...options, epoch });
    for (let step = 0; step < plan.steps; step++) fillBatch(plan, step, batch);
  };
  run(0);
  const times = [1, 2, 3].map((epoch) => {
    const start = performance.now();
    run(epoch);
    return performance.now() - start;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});

test("impossible sizes are refused", () => {
  const sequences = sequencesOf([[1, 2]]);
  const options = { rows: 1, width: 8, maxLength: 8, seed: 0, epoch: 0 };
  expect(() => planEpoch(sequences, { ...options, maxLength: 9 })).toThrow(
    "batch: histories of 9 tokens do not fit in rows of 8; make the rows wider",
  );
  expect(() => planEpoch(sequences, { ...options, rows: 0 })).toThrow(
    "batch rows: 0 is not a positive integer",
  );
  expect(() => planEpoch(sequences, { ...options, width: 1.5 })).toThrow(
    "batch width: 1.5 is not a positive integer",
  );
});
