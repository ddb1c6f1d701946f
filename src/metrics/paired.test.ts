import { describe, expect, test } from "vitest";
import { stream } from "../tensor/random.ts";
import { pairedTest } from "./paired.ts";

const zeros = (n: number): number[] => new Array<number>(n).fill(0);

describe("the paired test", () => {
  test("counts by hand: of the 8 sign flips of 1, 2 and 3, two are as far from zero as 6", () => {
    expect(pairedTest([1, 2, 3], zeros(3))).toEqual({ pairs: 3, difference: 2, p: 2 / 8, flips: 8 });
    // 1 + 2 − 3 = 0: every flip is as far from zero.
    expect(pairedTest([1, 2, 0], [0, 0, 3]).p).toBe(1);
    // 3 + 2 − 1 = 4: so far are ±6 and ±4.
    expect(pairedTest([3, 2, 1], [0, 0, 2]).p).toBe(4 / 8);
  });

  test("pairs without a difference change its mean, not what is counted", () => {
    expect(pairedTest([5, 1, 2, 3, 5], [5, 0, 0, 0, 5])).toEqual({
      pairs: 5,
      difference: 6 / 5,
      p: 2 / 8,
      flips: 8,
    });
    expect(pairedTest([4, 4], [4, 4])).toEqual({ pairs: 2, difference: 0, p: 1, flips: 1 });
    expect(pairedTest([], [])).toEqual({ pairs: 0, difference: 0, p: 1, flips: 1 });
  });

  test("drawn flips agree with every flip of twelve pairs", () => {
    const random = stream(7, "differences");
    for (const shift of [0, 0.3, 0.6]) {
      const values = Array.from({ length: 12 }, () => random.normal() + shift);
      const exact = pairedTest(values, zeros(12));
      const drawn = pairedTest(values, zeros(12), { flips: 4000 });
      expect([exact.flips, drawn.flips]).toEqual([4096, 4001]);
      // Four standard deviations of a share of 4,000.
      expect(Math.abs(drawn.p - exact.p)).toBeLessThan(
        4 * Math.sqrt((exact.p * (1 - exact.p)) / 4000) + 1 / 4000,
      );
    }
  });

  test("where nothing differs but by chance, p is even from 0 to 1", () => {
    const random = stream(3, "null");
    const below = Array.from({ length: 300 }, (_, seed) => {
      const [a, b] = [0, 1].map(() => Array.from({ length: 40 }, () => random.normal()));
      return pairedTest(a!, b!, { flips: 199, seed }).p;
    }).filter((p) => p <= 0.2).length;
    // 60 are expected, with a standard deviation of 7.
    expect(Math.abs(below - 60)).toBeLessThan(28);
  });

  test("the order of the two does not matter to p, and a seed gives the same p again", () => {
    const random = stream(4, "order");
    const [a, b] = [0, 1].map(() => Float32Array.from({ length: 50 }, () => random.uniform()));
    const [one, other] = [pairedTest(a!, b!, { seed: 5 }), pairedTest(b!, a!, { seed: 5 })];
    expect(other).toEqual({ ...one, difference: -one.difference });
    expect(pairedTest(a!, b!, { seed: 6 }).p).not.toBe(one.p);
    expect(pairedTest(a!, b!, { flips: 99 }).p).toBeGreaterThanOrEqual(1 / 100);
  });

  test("refuses what is no pair", () => {
    expect(() => pairedTest([1], [])).toThrow("pairedTest: there are 1 values beside 0; pairs are needed");
  });
});
