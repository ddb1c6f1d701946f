import { describe, expect, it } from "vitest";
import { Graph, type Value } from "../graph/graph.ts";
import {
  abs,
  clip,
  elu,
  hardSigmoid,
  l1,
  l2,
  leakyRelu,
  logSumExp,
  max,
  maximum,
  minimum,
  pow,
  prod,
  relu,
  sum,
} from "../graph/ops/index.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { gradient } from "./gradient.ts";

/** The gradient of the sum of f at x. */
function slopeOf(f: (x: Value) => Value, x: readonly number[]): number[] {
  const graph = new Graph();
  graph.output("y", sum(f(graph.input("x", { dtype: "float64", shape: [x.length] }))));
  const slopes = gradient(graph, { of: "y", wrt: ["x"] });
  const feeds = { x: { data: Float64Array.from(x), shape: [x.length] } };
  return [...evaluateReference(slopes, feeds)["d/x"]!.data];
}

describe("where a function bends, the gradient is PyTorch's", () => {
  it.each([
    ["relu at 0", relu, [0], [0]],
    ["leakyRelu at 0", (x: Value) => leakyRelu(x, 0.5), [0], [0.5]],
    ["elu at 0", (x: Value) => elu(x, 2), [0], [2]],
    ["hardSigmoid at its ends", hardSigmoid, [-2.5, 2.5], [0, 0]],
    ["abs at 0", abs, [0], [0]],
    // As of relu6 and hardtanh, which are exported as Clip; that of clamp, exported alike, is 1 at the bounds.
    [
      "clip at its bounds, as hardtanh has it",
      (x: Value) => clip(x, { low: -1, high: 1 }),
      [-1, 1, 2, 0],
      [0, 0, 0, 1],
    ],
    ["maximum of equals", (x: Value) => maximum(x, 3), [3, 4], [0.5, 1]],
    ["minimum of equals", (x: Value) => minimum(3, x), [3, 4], [0.5, 0]],
    ["the largest of equals", max, [3, 1, 3], [0.5, 0, 0.5]],
    ["the length of nothing", l2, [0, 0], [0, 0]],
    ["absolute values of nothing", l1, [0, -2], [0, -1]],
    ["a product with a zero", prod, [2, 0, 3], [0, 6, 0]],
    ["a product with two zeros", prod, [2, 0, 0], [0, 0, 0]],
    ["powers of 0", (x: Value) => pow(x, 1), [0], [1]],
    ["0 to the 0", (x: Value) => pow(x, 0), [0], [0]],
  ] as const)("%s", (_, f, x, want) => {
    expect(slopeOf((v) => f(v), x).map((v) => v + 0)).toEqual(want);
  });

  it("is 0 for logSumExp of nothing at all, where old versions have no number", () => {
    expect(slopeOf(logSumExp, [-Infinity, -Infinity])).toEqual([0, 0]);
  });

  it("an exponent at base 0, and a base at exponent 0", () => {
    const bases = (x: Value): Value => pow(x, x.graph.input("e", { dtype: "float64", shape: [3] }));
    const graph = new Graph();
    const x = graph.input("x", { dtype: "float64", shape: [3] });
    graph.output("y", sum(bases(x)));
    const slopes = gradient(graph, { of: "y", wrt: ["x", "e"] });
    const of = (...values: number[]) => ({ data: Float64Array.from(values), shape: [3] });
    const results = evaluateReference(slopes, { x: of(0, 0, 2), e: of(0, 2, 0) });
    expect([...results["d/x"]!.data]).toEqual([0, 0, 0]);
    expect([...results["d/e"]!.data]).toEqual([0, 0, Math.log(2)]);
  });
});
