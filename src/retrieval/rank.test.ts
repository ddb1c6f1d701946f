import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRanker, type Row } from "./rank.ts";

const row = (scores: readonly number[], excluded: readonly number[] = []): Row => ({
  scores: Float32Array.from(scores),
  start: 0,
  excluded: Int32Array.from(excluded),
  from: 0,
  to: excluded.length,
});

/** The definitions, written as slowly and plainly as possible. */
function bruteForce(scores: Float32Array, excluded: readonly number[], target: number, k: number) {
  const gone = new Set(excluded);
  gone.delete(target);
  const candidates = [...scores.keys()].filter((item) => !gone.has(item));
  const others = candidates.filter((item) => item !== target);
  const rank = 1 + others.filter((item) => !(scores[item]! < scores[target]!)).length;
  const top = candidates
    .filter((item) => !Number.isNaN(scores[item]!))
    .sort((a, b) => (scores[a]! === scores[b]! ? a - b : scores[b]! > scores[a]! ? 1 : -1))
    .slice(0, k);
  return { rank, top };
}

const score = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 3 }) }, // few values: many ties
  { weight: 3, arbitrary: fc.float({ noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);
const ranking = fc.array(score, { minLength: 1, maxLength: 40 }).chain((scores) => {
  const item = fc.nat(scores.length - 1);
  return fc.record({
    scores: fc.constant(scores),
    excluded: fc.array(item, { maxLength: 12 }),
    target: item,
    k: fc.integer({ min: 1, max: 45 }),
    start: fc.nat(7),
  });
});

test("rank and list equal the definitions, wherever the row starts", () => {
  fc.assert(
    fc.property(ranking, ({ scores, excluded, target, k, start }) => {
      const padded = Float32Array.from([...Array<number>(start).fill(9), ...scores, 9]);
      const ranker = createRanker(scores.length, k);
      const at: Row = { ...row([], excluded), scores: padded, start };
      const expected = bruteForce(Float32Array.from(scores), excluded, target, k);
      expect(ranker.rank(at, target)).toBe(expected.rank);
      expect([...ranker.top()]).toEqual(expected.top);
      const without = bruteForce(Float32Array.from(scores), excluded, -1, k);
      expect([...ranker.best(at)]).toEqual(without.top);
      expect([...ranker.best(at, 2)]).toEqual(without.top.slice(0, 2));
    }),
    { numRuns: 1000 },
  );
});

test("a ranker that is used again forgets the row before", () => {
  const ranker = createRanker(4, 2);
  expect(ranker.rank(row([4, 3, 2, 1], [0, 1]), 2)).toBe(1);
  expect(ranker.rank(row([4, 3, 2, 1]), 2)).toBe(3);
  expect([...ranker.top()]).toEqual([0, 1]);
});

describe("ties and odd scores count against the model", () => {
  test("all-equal scores give the number of candidates", () => {
    expect(createRanker(5, 3).rank(row([1, 1, 1, 1, 1]), 2)).toBe(5);
    expect(createRanker(5, 3).rank(row([1, 1, 1, 1, 1], [0, 0, 4]), 2)).toBe(3);
  });

  test("another item that scores NaN stands before the target", () => {
    expect(createRanker(3, 3).rank(row([Number.NaN, 2, 1]), 1)).toBe(2);
  });

  test("a target that scores NaN is last", () => {
    expect(createRanker(4, 3).rank(row([5, Number.NaN, 1, 0], [0]), 1)).toBe(3);
  });

  test("ties in a list go to the lower index", () => {
    expect([...createRanker(4, 2).best(row([1, 2, 2, 2]))]).toEqual([1, 2]);
  });
});

test("the target is a candidate even where it is excluded", () => {
  const ranker = createRanker(3, 1);
  expect(ranker.rank(row([1, 3, 2], [1, 2]), 1)).toBe(1);
  expect([...ranker.top()]).toEqual([1]);
});

test("a list is shorter than k where the candidates run out", () => {
  expect([...createRanker(3, 10).best(row([1, 2, 3], [2]))]).toEqual([1, 0]);
});
