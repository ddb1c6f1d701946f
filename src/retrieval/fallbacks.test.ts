import { describe, expect, it } from "vitest";
import { neighbourFallback, popularFallback, recentCounts } from "./fallbacks.ts";

const day = 86_400;
/** Ann: 0 1 2; Bob: 0 1; Cid: 3 4; item 3 was had of late. */
const interactions = {
  offsets: Int32Array.of(0, 3, 5, 7),
  sequence: Int32Array.of(0, 1, 2, 0, 1, 3, 4),
  times: Float64Array.of(0, day, 2 * day, 0, day, 99 * day, 100 * day),
};
const counts = [2, 2, 1, 1, 1];
const question = { k: 9, excluded: new Set<number>(), allowed: null };

describe("neighbours by shared people", () => {
  const { list } = neighbourFallback(interactions, 5);
  it("lists what the people of the history had, the most shared first", () => {
    expect([...list(Int32Array.of(0), question, (row) => row !== 0).rows]).toEqual([1, 2]);
    expect([...list(Int32Array.of(4), question, () => true).rows]).toEqual([3]);
  });
  it("has nothing to say of rows that nobody had", () => {
    expect(list(Int32Array.of(7), question, () => true).rows).toHaveLength(0);
  });
});

describe("popularity", () => {
  it("is that of the last thirty days; ties by all interactions, then by row", () => {
    const { rows, scores } = popularFallback(counts, recentCounts(counts, interactions), () => 5).list(
      new Int32Array(0),
      question,
      () => true,
    );
    expect([...rows]).toEqual([3, 4, 0, 1, 2]);
    expect([...scores]).toEqual([1, 1, 0, 0, 0]);
  });
  it("is that of all interactions where there are no times; new rows stand last", () => {
    const { rows } = popularFallback(counts, counts, () => 7).list(
      new Int32Array(0),
      question,
      (row) => row !== 0,
    );
    expect([...rows]).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
