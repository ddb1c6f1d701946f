import fc from "fast-check";
import { expect, it } from "vitest";
import { diversify } from "./diversity.ts";
import type { Hits } from "./top-list.ts";

const hits = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 12 }).map(
  (scores): Hits => ({
    rows: Int32Array.from(scores.keys()),
    scores: Float32Array.from(scores.sort((a, b) => b - a)),
  }),
);
const lambda = fc.double({ min: 0, max: 1, noNaN: true });
const alike = (a: number, b: number): number => Math.cos(3 * a * b);

it("keeps the list where it is not asked for, and holds every row once", () => {
  fc.assert(
    fc.property(hits, fc.nat(14), lambda, (list, k, asked) => {
      const places = (l: number) => diversify(list, k, l, alike).map(({ place }) => place);
      expect(places(0)).toEqual([...list.rows.keys()].slice(0, k));
      const chosen = places(asked);
      expect(chosen).toHaveLength(Math.min(k, list.rows.length));
      expect(new Set(chosen).size).toBe(chosen.length);
    }),
  );
});

it("chooses by its definition, one after the other", () => {
  fc.assert(
    fc.property(hits, fc.integer({ min: 1, max: 6 }), lambda, (list, k, asked) => {
      const chosen = diversify(list, k, asked, alike);
      const [best, worst] = [list.scores[0] ?? 0, list.scores.at(-1) ?? 0];
      const relevance = (p: number) => (best > worst ? (list.scores[p]! - worst) / (best - worst) : 1);
      chosen.forEach(({ place, similarity }, n) => {
        const above = chosen.slice(0, n).map((one) => one.place);
        const near = (p: number) => (n === 0 ? 0 : Math.max(...above.map((a) => alike(a, p))));
        const value = (p: number) => (1 - asked) * relevance(p) - asked * near(p);
        expect(similarity).toBeCloseTo(near(place), 12);
        const others = [...list.rows.keys()].filter((p) => !above.includes(p));
        expect(value(place)).toBeCloseTo(Math.max(...others.map(value)), 12);
      });
    }),
  );
});

it("prefers another kind of row to one more of the same", () => {
  const list = { rows: Int32Array.of(0, 1, 2), scores: Float32Array.of(1, 0.9, 0.5) };
  const sameKind = (a: number, b: number) => (a < 2 && b < 2 ? 1 : 0);
  expect(diversify(list, 2, 0.5, sameKind).map(({ place }) => place)).toEqual([0, 2]);
});
