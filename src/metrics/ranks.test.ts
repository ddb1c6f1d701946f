import { describe, expect, test } from "vitest";
import { coverage, hitRate, ndcg, rankMetrics, reciprocalRank } from "./ranks.ts";

const ranks = Int32Array.of(1, 3, 10, 11);

describe("metrics of the ranks 1, 3, 10, 11", () => {
  test("hit rate counts ranks up to the cut-off", () => {
    expect(hitRate(ranks, 10)).toBe(3 / 4);
    expect(hitRate(ranks, 5)).toBe(2 / 4);
    expect(hitRate(ranks, 20)).toBe(1);
  });

  test("NDCG discounts by log2(1 + rank)", () => {
    // 1/log2(2) = 1, 1/log2(4) = 0.5, 1/log2(11) = 0.2890648, 1/log2(12) = 0.2789429
    expect(ndcg(ranks, 10)).toBeCloseTo((1 + 0.5 + 0.2890648) / 4, 7);
    expect(ndcg(ranks, 5)).toBeCloseTo(1.5 / 4, 12);
    expect(ndcg(ranks, 20)).toBeCloseTo((1 + 0.5 + 0.2890648 + 0.2789429) / 4, 7);
  });

  test("MRR takes the reciprocal of ranks up to the cut-off", () => {
    expect(reciprocalRank(ranks, 10)).toBeCloseTo((1 + 1 / 3 + 1 / 10) / 4, 12);
  });

  test("the standard set has the fixed names", () => {
    const names = ["HR@10", "NDCG@10", "MRR@10", "HR@5", "NDCG@5", "HR@20", "NDCG@20"];
    expect(Object.keys(rankMetrics(ranks))).toEqual(names);
  });
});

test("coverage is the share of items shown to someone", () => {
  expect(coverage(Uint8Array.of(1, 0, 1, 0, 0))).toBe(2 / 5);
});

test("no users and no items give zeros, not NaN", () => {
  expect(coverage(new Uint8Array(0))).toBe(0);
  expect(Object.values(rankMetrics(new Int32Array(0)))).toEqual([0, 0, 0, 0, 0, 0, 0]);
});
