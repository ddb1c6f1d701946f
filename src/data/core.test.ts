import fc from "fast-check";
import { expect, test } from "vitest";
import { kCore, largestCount } from "./core.ts";

type Pair = readonly [user: number, item: number];

/** Removes one offending user or item at a time, restarting the count after each: slow, and obviously right. */
function bruteForce(pairs: readonly Pair[], minUser: number, minItem: number): readonly Pair[] {
  const count = (side: 0 | 1, code: number) => pairs.filter((pair) => pair[side] === code).length;
  const user = pairs.find((pair) => count(0, pair[0]) < minUser)?.[0];
  if (user !== undefined)
    return bruteForce(
      pairs.filter((pair) => pair[0] !== user),
      minUser,
      minItem,
    );
  const item = pairs.find((pair) => count(1, pair[1]) < minItem)?.[1];
  if (item !== undefined)
    return bruteForce(
      pairs.filter((pair) => pair[1] !== item),
      minUser,
      minItem,
    );
  return pairs;
}

const threshold = fc.integer({ min: 1, max: 4 });
const log = fc.array(fc.tuple(fc.nat({ max: 7 }), fc.nat({ max: 7 })), { maxLength: 50 });

test("the k-core is the fixed point that removing offenders one by one reaches", () => {
  fc.assert(
    fc.property(log, threshold, threshold, (pairs, minUser, minItem) => {
      const users = Int32Array.from(pairs, ([user]) => user);
      const items = Int32Array.from(pairs, ([, item]) => item);
      const core = kCore({ users, items, userCount: 8, itemCount: 8, minUser, minItem });
      const expected = bruteForce(pairs, minUser, minItem);
      const kept = pairs.filter(([user, item]) => core.users[user] === 1 && core.items[item] === 1);
      expect(kept).toEqual(expected);
      expect(core.interactions).toBe(expected.length);
      expect([...core.users.keys()].filter((user) => core.users[user] === 1)).toEqual(
        [...new Set(expected.map(([user]) => user))].sort((a, b) => a - b),
      );
      expect(users).toEqual(Int32Array.from(pairs, ([user]) => user));
    }),
    { numRuns: 300 },
  );
});

test("a chain that unravels one link a round still ends at the fixed point", () => {
  const links = 200; // user u has items u and u + 1: each round the two ends fall off
  const users = Int32Array.from({ length: 2 * links }, (_, i) => i >> 1);
  const items = Int32Array.from({ length: 2 * links }, (_, i) => (i >> 1) + (i & 1));
  const core = kCore({ users, items, userCount: links, itemCount: links + 1, minUser: 2, minItem: 2 });
  expect(core.interactions).toBe(0);
  expect(core.rounds).toBeGreaterThan(links / 2);
});

test("the largest count is that of the busiest code", () => {
  expect(largestCount(Int32Array.of(0, 2, 2, 1, 2), 3)).toBe(3);
  expect(largestCount(new Int32Array(0), 0)).toBe(0);
});
