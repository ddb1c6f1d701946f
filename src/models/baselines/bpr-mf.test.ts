import { describe, expect, it } from "vitest";
import { nodeRuntime } from "../../runtime/node.ts";
import { stream } from "../../tensor/random.ts";
import { bprMf } from "./bpr-mf.ts";
import { foldIn } from "./fold-in.ts";

/** Twelve people of two tastes: items 0 to 4 or 5 to 9, four of them each; item 10 nobody met. */
const histories = Array.from({ length: 12 }, (_, u) =>
  [0, 1, 2, 3, 4].filter((k) => k !== u % 5).map((k) => k + 5 * (u % 2)),
);
const sequences = {
  offsets: Int32Array.from([0, ...histories.map((_, u) => 4 * (u + 1))]),
  sequence: Int32Array.from(histories.flat()),
};
const count = 11;
const settings = bprMf.config.parse({ dim: 6, epochs: 60 }) as never;

const fitted = (seed: number, onProgress?: (text: string) => void) =>
  bprMf.fit({ sequences, count, seed, runtime: nodeRuntime, threads: 1, onProgress }, settings);

async function scores(history: readonly number[], seed = 1): Promise<number[]> {
  const row = new Float32Array(count);
  bprMf.scorer(await fitted(seed), count, settings)(Int32Array.from(history), row);
  return [...row];
}

describe("bpr-mf", () => {
  it("ranks what people of the same taste met above the rest, for histories of nobody it knows", async () => {
    for (const [history, own, other] of [
      [[0, 2], [1, 3, 4], 5],
      [[6, 9], [5, 7, 8], 0],
    ] as const) {
      const row = await scores(history);
      const strangers = [...row.slice(other, other + 5), row[10]!];
      for (const item of own) expect(row[item]).toBeGreaterThan(Math.max(...strangers));
    }
  });

  it("puts what nobody met last where nothing is known, and does not ask for the order of a history", async () => {
    expect(Math.min(...(await scores([])))).toBe((await scores([]))[10]);
    expect(await scores([3, 0, 0, 1])).toEqual(await scores([3, 0, 1]));
    for (const [i, score] of (await scores([1, 0, 3])).entries())
      expect(score).toBeCloseTo((await scores([3, 0, 1]))[i]!, 5);
  });

  it("is the same for a seed and another for another, and tells how far it is", async () => {
    const told: string[] = [];
    const [one, again, other] = [
      await fitted(1, (text) => told.push(text)),
      await fitted(1),
      await fitted(2),
    ];
    expect(again).toEqual(one);
    expect(other.items).not.toEqual(one.items);
    expect(told).toHaveLength(60);
    expect(told.slice(0, 2)).toEqual(["bpr-mf: 0 %", "bpr-mf: 2 %"]);
  });

  it("is fitted where somebody met all items", async () => {
    const all = { offsets: Int32Array.of(0, 3, 5), sequence: Int32Array.of(0, 1, 2, 0, 1) };
    const given = { sequences: all, count: 3, seed: 0, runtime: nodeRuntime, threads: 1 };
    const state = await bprMf.fit(given, settings);
    expect((state.bias!.data as Float32Array).every(Number.isFinite)).toBe(true);
    const none = { sequences: { offsets: Int32Array.of(0, 3), sequence: Int32Array.of(0, 1, 2) } };
    expect(await bprMf.fit({ ...given, ...none }, settings)).toHaveProperty("items");
  });
});

describe("the vector of a history", () => {
  const [items, width, regularization] = [9, 4, 0.05];
  const random = stream(5, "vectors");
  const q = random.fillNormal(new Float32Array(items * width));
  const b = random.fillNormal(new Float32Array(items), 0.3);
  const model = {
    items: { data: q, shape: [items, width] },
    bias: { data: b, shape: [items] },
    against: { data: Int32Array.of(3, 4, 5, 6, 7, 8, 1), shape: [7] },
    regularization,
  };
  const met = [0, 1, 2];

  /** Mean of ln σ(x_i − x_j) over all pairs, less λ/2·|p|². */
  function objective(p: ArrayLike<number>): number {
    const x = (item: number): number =>
      b[item]! + Array.from(p).reduce((sum, v, c) => sum + v * q[item * width + c]!, 0);
    const others = [3, 4, 5, 6, 7, 8]; // what was met is not among them
    const pairs = met.flatMap((i) => others.map((j) => -Math.log(1 + Math.exp(x(j) - x(i)))));
    const penalty = Array.from(p).reduce((sum, v) => sum + v * v, 0);
    return pairs.reduce((sum, v) => sum + v, 0) / pairs.length - (regularization / 2) * penalty;
  }

  it("is where BPR's own objective has its maximum, the items' vectors fixed", () => {
    const vector = foldIn({ ...model, iterations: 500 })(Int32Array.of(0, 2, 1, 0));
    const best = objective(vector);
    for (let c = 0; c < width; c++)
      for (const step of [0.01, -0.01])
        expect(objective(vector.with(c, vector[c]! + step))).toBeLessThan(best);
    const [zero, few] = [0, 15].map((iterations) =>
      objective(foldIn({ ...model, iterations })(Int32Array.from(met))),
    );
    expect(few).toBeGreaterThan(zero!);
    expect(best - few!).toBeLessThan(0.05 * (best - zero!));
  });

  it("is zero where there is nothing to compare", () => {
    const zero = new Float32Array(width);
    const vectorOf = foldIn({ ...model, iterations: 9 });
    expect(vectorOf(new Int32Array(0))).toEqual(zero);
    expect(vectorOf(Int32Array.from({ length: items }, (_, i) => i))).toEqual(zero);
  });
});
