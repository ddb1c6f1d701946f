import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../../runtime/node.ts";
import { stream } from "../../tensor/random.ts";
import type { Baseline, FitInput } from "./define.ts";
import { ease } from "./ease.ts";
import { invertPositive } from "./inverse.ts";
import { itemKnn } from "./item-knn.ts";
import { markov } from "./markov.ts";
import { popularity, recentPopularity } from "./popularity.ts";
import { invertSparse } from "./sparse-inverse.ts";

function inputOf(
  histories: readonly (readonly number[])[],
  count: number,
  times?: readonly number[],
): FitInput {
  const offsets = Int32Array.from([0, ...histories.map((_, u) => histories.slice(0, u + 1).flat().length)]);
  const given = times ? { times: Float64Array.from(times) } : {};
  const sequences = { offsets, sequence: Int32Array.from(histories.flat()) };
  return { sequences, count, seed: 0, runtime: nodeRuntime, threads: 1, ...given };
}

async function scores<C>(
  baseline: Baseline<C>,
  settings: object,
  input: FitInput,
  history: readonly number[],
) {
  const config = baseline.config.parse(settings) as C;
  const state = await baseline.fit(input, config);
  const row = new Float32Array(input.count);
  baseline.scorer(state, input.count, config)(Int32Array.from(history), row);
  return [...row];
}

describe("popularity", () => {
  it("counts, and the recent one counts the window", async () => {
    const days = [1, 2, 50, 51, 52].map((d) => d * 86_400);
    const input = inputOf(
      [
        [0, 0, 1],
        [1, 2],
      ],
      4,
      days,
    );
    expect(await scores(popularity, {}, input, [3])).toEqual([2, 2, 1, 0]);
    const recent = await scores(recentPopularity, { days: 10 }, input, [3]);
    expect(recent.map(Math.round)).toEqual([0, 2, 1, 0]);
    expect(recent[0]).toBeGreaterThan(0);
    await expect(async () => scores(recentPopularity, {}, inputOf([[0, 1]], 2), [0])).rejects.toThrow(
      "no times",
    );
  });
});

describe("item-knn", () => {
  it("is the cosine of shared people, decayed by age", async () => {
    const input = inputOf(
      [
        [0, 1, 0],
        [0, 1],
        [0, 2],
        [2, 3],
      ],
      4,
    );
    const row = await scores(itemKnn, { shrink: 0, decay: 0.5 }, input, [2, 0]);
    const cosine = (both: number, a: number, b: number) => both / Math.sqrt(a * b);
    // Item 0 has 3 people, item 1 two, item 2 two, item 3 one; 0 is the most recent.
    expect(row[1]).toBeCloseTo(cosine(2, 3, 2), 6);
    expect(row[3]).toBeCloseTo(0.5 * cosine(1, 2, 1), 6);
    expect(row[2]).toBeCloseTo(cosine(1, 3, 2), 6);
    expect(row[0]).toBeCloseTo(0.5 * cosine(1, 3, 2), 6);
  });

  it("keeps the nearest neighbours only", async () => {
    const input = inputOf(
      [
        [0, 1],
        [0, 1],
        [0, 2],
      ],
      3,
    );
    const row = await scores(itemKnn, { neighbours: 1, shrink: 0 }, input, [0]);
    expect(row[1]).toBeGreaterThan(0);
    expect(row[2]).toBe(0);
  });
});

describe("markov", () => {
  it("gives probabilities that sum to one for any data and history", async () => {
    const item = fc.nat(4);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(item, { maxLength: 6 }), { maxLength: 5 }),
        fc.array(item),
        async (data, h) => {
          const row = await scores(markov, {}, inputOf(data, 5), h);
          expect(row.reduce((sum, score) => sum + Math.exp(score), 0)).toBeCloseTo(1, 5);
          expect(row.every(Number.isFinite)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("follows the longest context it knows and backs off", async () => {
    const input = inputOf(
      [
        [0, 1, 2],
        [0, 1, 2],
        [3, 1, 4],
        [3, 1, 4],
        [3, 1, 4],
      ],
      5,
    );
    const best = (row: readonly number[]) => row.indexOf(Math.max(...row));
    expect(best(await scores(markov, { order: 1 }, input, [0, 1]))).toBe(4);
    expect(best(await scores(markov, { order: 2 }, input, [0, 1]))).toBe(2);
    expect(best(await scores(markov, { order: 2 }, input, [2, 1]))).toBe(4); // never seen: order 1
    // n(1 → 4) = 3 of 5, two different items followed: (3 + 2 · P(4)) / 7 with P(4) = (3 + 1) / (15 + 5)
    const [of4] = (await scores(markov, { order: 1 }, input, [1])).slice(4);
    expect(Math.exp(of4!)).toBeCloseTo((3 + 2 * 0.2) / 7, 6);
    // n(0 1 → 2) = 2 of 2, one item followed: (2 + P(2 | 1)) / 3 with P(2 | 1) = (2 + 2 · P(2)) / 7, P(2) = (2 + 1) / 20
    const [of2] = (await scores(markov, { order: 2 }, input, [0, 1])).slice(2);
    expect(Math.exp(of2!)).toBeCloseTo((2 + (2 + 2 * 0.15) / 7) / 3, 6);
  });
});

describe("ease", () => {
  it("inverts positive definite matrices of any block and panel size", async () => {
    const size = 23;
    const random = Float64Array.from({ length: size * size }, (_, i) => Math.sin(i * i + 1));
    const at = (i: number, j: number): number => {
      let total = i === j ? 3 : 0;
      for (let k = 0; k < size; k++) total += random[i * size + k]! * random[j * size + k]!;
      return total;
    };
    const matrix = Float32Array.from({ length: size * size }, (_, k) => at(Math.floor(k / size), k % size));
    const inverse = matrix.slice();
    await invertPositive(inverse, size, { runtime: nodeRuntime, threads: 1, block: 5, panel: 7 });
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        let total = 0;
        for (let k = 0; k < size; k++) total += matrix[i * size + k]! * inverse[k * size + j]!;
        expect(total).toBeCloseTo(Number(i === j), 3);
      }
  });

  it.each([0, 2, 6, 40])("inverts sparse ones, rows of up to %i entries by themselves", async (few) => {
    const size = 40;
    const random = stream(1, "sparse");
    const exact = new Float64Array(size * size);
    for (let i = 0; i < size; i++) exact[i * size + i] = 9 + i;
    for (let k = 0; k < 70; k++) {
      const [i, j] = [random.below(size - 1), random.below(9)]; // the last has no entries but its own
      if (i !== j) for (const at of [i * size + j, j * size + i]) exact[at] = 1;
    }
    const inverse = Float32Array.from(exact);
    await invertSparse(inverse, size, { runtime: nodeRuntime, threads: 1, block: 5, panel: 7, few });
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        let total = 0;
        for (let k = 0; k < size; k++) total += exact[i * size + k]! * inverse[k * size + j]!;
        expect(total).toBeCloseTo(Number(i === j), 5);
        expect(inverse[i * size + j]).toBe(inverse[j * size + i]);
      }
  });

  it("is the best linear model without self-use: no other weights have a lower regularised error", async () => {
    const histories = [
      [0, 1],
      [0, 1, 2],
      [2, 3],
      [1, 2],
      [0, 3],
    ];
    const lambda = 0.7;
    const state = await ease.fit(
      inputOf(histories, 4),
      ease.config.parse({ regularization: lambda }) as never,
    );
    const weights = Float64Array.from(state.weights!.data as Float32Array);
    const error = (b: Float64Array): number => {
      let total = 0;
      for (const history of histories)
        for (let j = 0; j < 4; j++) {
          const predicted = history.reduce((sum, i) => sum + b[i * 4 + j]!, 0);
          total += (Number(history.includes(j)) - predicted) ** 2;
        }
      return total + lambda * b.reduce((sum, v) => sum + v * v, 0);
    };
    for (let k = 0; k < 16; k++) {
      if (k % 5 === 0) expect(weights[k]).toBe(0);
      else
        for (const step of [1e-3, -1e-3])
          expect(error(weights.with(k, weights[k]! + step))).toBeGreaterThan(error(weights));
    }
  });
});
