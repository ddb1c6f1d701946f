import { describe, expect, it } from "vitest";
import { negativeSampler } from "../../data/negatives.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { constant, gather } from "../../graph/ops/index.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { stream } from "../../tensor/random.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { negativeInputs } from "../define.ts";
import {
  evaluate,
  every,
  h,
  items,
  scale,
  score,
  table,
  target,
  tokens,
  total,
  weighted,
  width,
} from "./objectives.fixture.ts";
import { scaledCrossEntropy } from "./scaled.ts";

describe("cross-entropy over the first ranks", () => {
  it("is at least −log of the reciprocal rank, and grows with n to the full softmax", () => {
    for (let trial = 0; trial < 30; trial++) {
      const random = stream(trial, "states");
      const states = ndarray([tokens, width], () => 2 * random.normal());
      const [token, rounding] = [trial % tokens, 1e-10];
      const given = { h: states, weight: target.map((_, t) => Number(t === token)) };
      const scoreOf = (item: number): number =>
        scale *
        total([0, 1, 2, 3].map((c) => states.data[token * width + c]! * table.data[item * width + c]!));
      const rank = every.filter((item) => scoreOf(item) >= scoreOf(target[token]!)).length;
      const full = evaluate("cross-entropy", {}, given).loss.data[0]!;
      const ndcg = Math.log(Math.log2(1 + rank)); // −log NDCG, which −log MRR bounds
      expect(ndcg).toBeLessThanOrEqual(Math.log(rank));
      let last = Math.log(rank);
      for (let first = rank; first <= items; first++) {
        const loss = evaluate("ce-n", { first }, given).loss.data[0]!;
        expect(loss).toBeGreaterThanOrEqual(last - rounding);
        last = loss;
      }
      expect(last).toBeCloseTo(full, 10);
    }
  });
});

describe("the slope of SCE along the score of a draw", () => {
  it.each([1, 100])("is alpha·e^s over the sum, with alpha %d", (alpha) => {
    const drawn = [1, 3, 7]; // none is a target, so that the rows of the table get slopes of draws alone
    const { dt } = evaluate("sce", { alpha }, { items: drawn });
    for (const item of drawn) {
      for (let c = 0; c < width; c++) {
        const expected = weighted((t) => {
          const draws = alpha * total(drawn.map((k) => Math.exp(score(t, k))));
          const share = (alpha * Math.exp(score(t, item))) / (Math.exp(score(t, target[t]!)) + draws);
          return share * scale * h.data[t * width + c]!;
        });
        expect(dt.data[item * width + c]).toBeCloseTo(expected, 11);
      }
    }
  });
});

describe("SCE as a bound of −log NDCG", () => {
  const [count, rank, bits] = [12_101, 50, 6]; // rank ≤ 2^bits − 1

  /** What Xu et al. 2024 prove for a target of the rank: the bound holds with at least this probability. */
  const guaranteed = (draws: number, alpha: number): number => {
    const needed = Math.ceil(bits / alpha);
    return 1 - needed * (1 - rank / count) ** Math.floor(draws / needed);
  };

  /** In how many of so many draws the loss, with these scores by rank, is at least −log NDCG. */
  function holds(draws: number, alpha: number, scoreOfRank: (r: number) => number, trials = 300): number {
    const config = scaledCrossEntropy.config.parse({ negatives: draws, each: "step", alpha }) as never;
    const sampling = scaledCrossEntropy.sampling!(config);
    const graph = new Graph();
    const scores = graph.input("table", f32(count, 1));
    const loss = scaledCrossEntropy.apply(
      {
        h: constant(graph, "float32", [1, 1], [1]),
        items: { all: () => scores, rows: (rows: Value) => gather(scores, rows) },
        target: graph.input("target", i32(1)),
        weight: constant(graph, "float32", [1], [1]),
        scale: 1,
        negatives: negativeInputs(graph, sampling, 1),
        count,
      },
      config,
    );
    graph.output("loss", loss);
    const options = { items: count, draws, times: 1, counts: new Int32Array(count), power: 0 };
    const sampler = negativeSampler({ ...options, from: "catalogue", seed: 7 });
    const feeds = {
      table: ndarray([count, 1], (i) => scoreOfRank(i + 1)),
      target: ndarray([1], () => rank - 1),
    };
    const empty = { target: new Int32Array(0), weight: new Float32Array(0) };
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const negatives = { data: Float64Array.from(sampler(trial, empty).items), shape: [draws] };
      const value = evaluateReference(graph, { ...feeds, negatives }).loss!.data[0]!;
      if (value >= Math.log(Math.log2(1 + rank))) held++;
    }
    return held / trials;
  }

  /** Four standard deviations of a share. */
  const margin = (share: number): number => 4 * Math.sqrt((share * (1 - share)) / 300) + 1e-9;
  /** The scores for which a draw brings least: those up to the target equal it, and the others count nothing. */
  const worst = (r: number): number => (r <= rank ? 0 : -60);
  const even =
    (scaledBy: number) =>
    (r: number): number =>
      -scaledBy * Math.log(r);

  it.each([
    [100, 1],
    [500, 1],
    [100, 100],
    [500, 100],
    [500, 3],
    [500, 20],
  ])("holds at least as often as proved, with %d draws and alpha %d", (draws, alpha) => {
    for (const scores of [worst, even(2)]) {
      const proved = Math.max(0, guaranteed(draws, alpha));
      expect(holds(draws, alpha, scores)).toBeGreaterThanOrEqual(proved - margin(proved));
    }
  });

  it("mostly fails for alpha 1 where scores are at their worst, and mostly holds for alpha 100 with 500 draws", () => {
    expect(guaranteed(500, 1)).toBeLessThan(0);
    expect(holds(100, 1, worst)).toBeLessThan(0.05);
    expect(holds(500, 1, worst)).toBeLessThan(0.15);
    expect(guaranteed(500, 100)).toBeCloseTo(0.874, 3);
    expect(holds(500, 100, worst)).toBeGreaterThan(0.8);
  });

  it("with 100 draws even alpha 100 holds but one time in three: most draws meet none of the 50", () => {
    expect(guaranteed(100, 100)).toBeCloseTo(0.339, 3);
    const share = holds(100, 100, worst);
    expect(Math.abs(share - guaranteed(100, 100))).toBeLessThan(margin(0.339));
  });
});
