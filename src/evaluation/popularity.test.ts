import fc from "fast-check";
import { expect, test } from "vitest";
import { popularityScorer } from "../retrieval/popularity.ts";
import { evaluateCases } from "./cases.ts";
import { evaluatePopularity } from "./popularity.ts";

const ITEMS = 9;
const item = fc.nat(ITEMS - 1);
const histories = fc.array(fc.array(item, { minLength: 2, maxLength: 7 }), { minLength: 1, maxLength: 6 });

test("the fast baseline equals ranking the scores of the popularity scorer", async () => {
  const counts = fc.array(fc.nat(3), { minLength: ITEMS, maxLength: ITEMS });
  const seen = fc.constantFrom("exclude" as const, "include" as const);
  await fc.assert(
    fc.asyncProperty(
      histories,
      counts,
      seen,
      fc.integer({ min: 1, max: 10 }),
      async (rows, list, rule, topK) => {
        const offsets = [0];
        for (const row of rows) offsets.push(offsets.at(-1)! + row.length - 1);
        const cases = {
          users: Int32Array.from(rows.keys()),
          offsets: Int32Array.from(offsets),
          history: Int32Array.from(rows.flatMap((row) => row.slice(0, -1))),
          target: Int32Array.from(rows, (row) => row.at(-1)!),
        };
        const scorer = popularityScorer(list);
        const slow = await evaluateCases({ scorer, cases, seen: rule, topK });
        expect(evaluatePopularity({ counts: Int32Array.from(list), cases, seen: rule, topK })).toEqual(slow);
      },
    ),
    { numRuns: 200 },
  );
});
