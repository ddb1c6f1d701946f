import { expect, test } from "vitest";
import { emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import { leaveOneOut } from "./split.ts";
import { relativeSeconds } from "./times.ts";

const offsets = Int32Array.of(0, 5);
const sequence = Int32Array.of(10, 11, 12, 13, 14);
const times = Float64Array.of(1000, 1010, 1030, 1100, 5000);

test("seconds count from the end of a history, as far as int32 reaches", () => {
  expect(relativeSeconds(90.4, 100)).toBe(-10);
  expect(relativeSeconds(110, 100)).toBe(10);
  expect(relativeSeconds(-1e12, 100)).toBe(-(2 ** 31));
  expect(relativeSeconds(1e12, 100)).toBe(2 ** 31 - 1);
});

test("leave-one-out hands on the times of histories and targets", () => {
  const { training, validation, test: last } = leaveOneOut({ offsets, sequence, times });
  expect([...training.times!]).toEqual([1000, 1010, 1030]);
  expect([...validation.times!.history]).toEqual([1000, 1010, 1030]);
  expect([...validation.times!.target]).toEqual([1100]);
  expect([...last.times!.history]).toEqual([1000, 1010, 1030, 1100]);
  expect([...last.times!.target]).toEqual([5000]);
  expect(leaveOneOut({ offsets, sequence }).test.times).toBeUndefined();
});

test.each([
  ["packed", undefined, [-4000, -3990, -3970, -3900, 0, 0], [-3990, -3970, -3900, 0, 0, 0]],
  [
    "padded",
    { predictions: 6, targets: "all" },
    [0, 0, -4000, -3990, -3970, -3900],
    [0, 0, -3990, -3970, -3900, 0],
  ],
] as const)("%s rows carry when items were met, and the ones after them", (_, padded, met, next) => {
  const size = { rows: 1, width: 6, timed: true, ...(padded && { padded }) };
  const epoch = planEpoch({ offsets, sequence, times }, { ...size, maxLength: 6, seed: 0, epoch: 1 });
  const batch = emptyBatch(size);
  fillBatch(epoch, 0, batch);
  expect([...batch.met!]).toEqual(met);
  expect([...batch.next!]).toEqual(next);
});
