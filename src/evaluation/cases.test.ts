import { expect, test } from "vitest";
import type { Cases } from "../data/sequences.ts";
import { leaveOneOut } from "../data/split.ts";
import { countItems, popularityScorer } from "../retrieval/popularity.ts";
import { cycleScorer } from "../retrieval/testing/fake-scorer.ts";
import { evaluateCases } from "./cases.ts";

/** One case per history; the target is the last item. */
function casesOf(histories: readonly (readonly number[])[]): Cases {
  const offsets = [0];
  for (const history of histories) offsets.push(offsets.at(-1)! + history.length - 1);
  return {
    users: Int32Array.from(histories.keys()),
    offsets: Int32Array.from(offsets),
    history: Int32Array.from(histories.flatMap((history) => history.slice(0, -1))),
    target: Int32Array.from(histories, (history) => history.at(-1)!),
  };
}

test("a scorer that knows the next item ranks it first, over several chunks", async () => {
  const histories = Array.from({ length: 11 }, (_, user) => [user % 7, (user + 1) % 7, (user + 2) % 7]);
  const progress: number[] = [];
  const scorer = cycleScorer(7, { batch: 4 });
  const result = await evaluateCases({
    scorer,
    cases: casesOf(histories),
    topK: 1,
    onProgress: ({ done }) => progress.push(done),
  });
  expect([...result.ranks]).toEqual(Array(11).fill(1));
  expect(result.metrics["NDCG@10"]).toBe(1);
  expect(result.metrics["coverage@1"]).toBe(1);
  expect(scorer.calls).toEqual([4, 4, 3]);
  expect(progress).toEqual([4, 8, 11]);
});

test("seen items are no candidates, unless they are included", async () => {
  const cases = casesOf([[1, 2, 0, 3]]); // after 0 the world expects 1, 2, 3
  const scorer = cycleScorer(5);
  expect([...(await evaluateCases({ scorer, cases })).ranks]).toEqual([1]);
  expect([...(await evaluateCases({ scorer, cases, seen: "include" })).ranks]).toEqual([3]);
});

test("a target that the user has seen is still a candidate", async () => {
  const cases = casesOf([[1, 2, 1]]); // after 2: 3, 4, 0, 1
  expect([...(await evaluateCases({ scorer: cycleScorer(5), cases })).ranks]).toEqual([4]);
});

test("popularity ranks by training interactions, ties against it", async () => {
  const sequence = Int32Array.of(0, 1, 1, 2, 2, 3);
  const scorer = popularityScorer(countItems(sequence, 5));
  const { ranks } = await evaluateCases({
    scorer,
    cases: casesOf([
      [0, 1],
      [1, 0],
      [4, 4],
    ]),
  });
  expect([...ranks]).toEqual([2, 3, 5]); // counts 1 2 2 1 0; seen items 0, 1 and (not, being the target) 4
});

test("validation and test of one user differ by the validation item in the history", async () => {
  const split = leaveOneOut({ offsets: Int32Array.of(0, 4), sequence: Int32Array.of(0, 1, 2, 3) });
  const scorer = cycleScorer(6);
  expect([...(await evaluateCases({ scorer, cases: split.validation })).ranks]).toEqual([1]);
  expect([...(await evaluateCases({ scorer, cases: split.test })).ranks]).toEqual([1]);
});

test("a scorer that answers another size is a failure, not a number", async () => {
  const scorer = { ...cycleScorer(5), score: async () => new Float32Array(4) };
  const evaluation = evaluateCases({ scorer, cases: casesOf([[0, 1]]) });
  await expect(evaluation).rejects.toThrow("answered 4 scores where [1, 5] were asked for");
});

test("the event loop gets its turn between chunks", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const scorer = popularityScorer(new Int32Array(2000).fill(1));
  const histories = Array.from({ length: 2000 }, (_, user) => [user, (user * 7 + 1) % 2000]);
  await evaluateCases({ scorer, cases: casesOf(histories) });
  clearInterval(timer);
  expect(turns).toBeGreaterThan(3);
});
