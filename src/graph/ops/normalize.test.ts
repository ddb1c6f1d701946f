import { describe, expect, it } from "vitest";
import { ndarray } from "../../tensor/ndarray.ts";
import { f32 } from "../../tensor/spec.ts";
import { slopeError } from "../../testing/check-parts.ts";
import { cloneGraph, Graph } from "../graph.ts";
import { add, groupNorm, layerNormWithStatistics, mul, rmsNorm, tanh } from "./index.ts";

const wave = (...shape: number[]) => ndarray(shape, (i) => Math.sin(3 * i) + i / 40);

describe("normalisation", () => {
  it("has the gradient of the statistics it returns", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2, 3, 4));
    const gain = graph.param("gain", f32(3, 4));
    const { y, center, inverse } = layerNormWithStatistics(x, gain, null, { axis: 1 });
    graph.output("y", add(add(y, tanh(center)), mul(inverse, inverse)));
    graph.output("statistics", mul(center, inverse));
    const feeds = { x: wave(2, 3, 4), gain: wave(3, 4) };
    expect(slopeError(cloneGraph(graph).graph, feeds, "y")).toBeLessThan(1e-8);
    expect(slopeError(cloneGraph(graph).graph, feeds, "statistics")).toBeLessThan(1e-8);
  });

  it("by root mean square and in groups agrees with differences", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2, 4, 3));
    const [gain, bias] = [graph.param("gain", f32(4)), graph.param("bias", f32(4))];
    graph.output("groups", groupNorm(x, gain, bias, 2));
    graph.output("rms", rmsNorm(x, graph.param("scale", f32(4, 3)), { axis: 1 }).y);
    const feeds = { x: wave(2, 4, 3), gain: wave(4), bias: wave(4), scale: wave(4, 3) };
    expect(slopeError(cloneGraph(graph).graph, feeds, "groups")).toBeLessThan(1e-8);
    expect(slopeError(cloneGraph(graph).graph, feeds, "rms")).toBeLessThan(1e-8);
  });

  it("in groups refuses channels that do not divide", () => {
    const graph = new Graph();
    const p = graph.param("p", f32(5));
    expect(() => groupNorm(graph.input("x", f32(2, 5, 3)), p, p, 2)).toThrow(/make no 2 groups/);
  });
});
