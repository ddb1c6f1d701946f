import fc from "fast-check";
import { expect, test } from "vitest";
import { stream } from "../tensor/random.ts";
import { packRows } from "./pack.ts";

const small = fc.record({
  lengths: fc
    .array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 })
    .map((values) => Int32Array.from(values)),
  width: fc.integer({ min: 12, max: 20 }),
  seed: fc.integer(),
  epoch: fc.nat({ max: 9 }),
});

/** Lengths like those of Amazon Beauty's training histories: 3 to 8 mostly, with a long tail cut at 50. */
function beautyLike(count: number): Int32Array {
  const random = stream(1, "lengths");
  return Int32Array.from({ length: count }, () =>
    Math.min(50, Math.floor(2 * (1 - random.uniform()) ** -0.72)),
  );
}

test("packing is a partition: every history with tokens is in exactly one row, and no row overflows", () => {
  fc.assert(
    fc.property(small, (options) => {
      const { rows, offsets, members, tokens } = packRows(options);
      const expected = [...options.lengths.keys()].filter((i) => options.lengths[i]! > 0);
      expect([...members].sort((a, b) => a - b)).toEqual(expected);
      expect(offsets.length).toBe(rows + 1);
      expect(offsets[rows]).toBe(members.length);
      let total = 0;
      for (let row = 0; row < rows; row++) {
        const filled = members
          .slice(offsets[row], offsets[row + 1])
          .reduce((sum, i) => sum + options.lengths[i]!, 0);
        expect(filled).toBeGreaterThan(0);
        expect(filled).toBeLessThanOrEqual(options.width);
        total += filled;
      }
      expect(total).toBe(tokens);
    }),
    { numRuns: 200 },
  );
});

test("best fit never opens a row while another could hold the history: at most one row is half empty", () => {
  fc.assert(
    fc.property(small, (options) => {
      const { rows, offsets, members } = packRows(options);
      const filled = Array.from({ length: rows }, (_, row) =>
        members.slice(offsets[row], offsets[row + 1]).reduce((sum, i) => sum + options.lengths[i]!, 0),
      );
      expect(filled.filter((tokens) => 2 * tokens <= options.width).length).toBeLessThanOrEqual(1);
    }),
  );
});

test("lengths like Amazon Beauty's fill more than 95 % of rows of 64, quickly", () => {
  const lengths = beautyLike(22_363);
  const times = [0, 1, 2, 3].map((epoch) => {
    const start = performance.now();
    expect(packRows({ lengths, width: 64, seed: 1, epoch }).utilisation).toBeGreaterThan(0.95);
    return performance.now() - start;
  });
  expect(Math.min(...times)).toBeLessThan(50);
});

test("epochs and seeds differ, and the same pair repeats exactly", () => {
  const lengths = beautyLike(500);
  const pack = (seed: number, epoch: number) =>
    [...packRows({ lengths, width: 64, seed, epoch }).members].join();
  expect(pack(1, 1)).toBe(pack(1, 1));
  expect(pack(1, 1)).not.toBe(pack(1, 2));
  expect(pack(1, 1)).not.toBe(pack(2, 1));
  const mates = (epoch: number) => {
    const { offsets, members } = packRows({ lengths, width: 64, seed: 1, epoch });
    const row = [...offsets.keys()].find((r) => members.slice(offsets[r], offsets[r + 1]).includes(7))!;
    return [...members.slice(offsets[row], offsets[row + 1])].sort((a, b) => a - b).join();
  };
  expect(new Set([1, 2, 3, 4, 5].map(mates)).size).toBeGreaterThan(1);
});

test("a history wider than a row is refused, and nothing packs into no rows", () => {
  expect(() => packRows({ lengths: Int32Array.of(3, 9), width: 8, seed: 0, epoch: 0 })).toThrow(
    "packing: a history of 9 tokens does not fit in a row of 8; truncate it first",
  );
  expect(packRows({ lengths: Int32Array.of(0), width: 8, seed: 0, epoch: 0 })).toMatchObject({
    rows: 0,
    tokens: 0,
  });
});
