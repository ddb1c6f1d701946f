import { describe, expect, it } from "vitest";
import { backward } from "../autodiff/gradient.ts";
import { ShapeError } from "../tensor/errors.ts";
import { f32, i32 } from "../tensor/spec.ts";
import { cloneGraph, Graph, print, reachableNodes } from "./graph.ts";
import {
  add,
  concat,
  crossEntropy,
  gather,
  matmul,
  mul,
  relu,
  reshape,
  scalar,
  slice,
  sum,
} from "./ops/index.ts";

function dense(): Graph {
  const graph = new Graph();
  const x = graph.input("x", f32("B", 4));
  const w = graph.param("w", f32(4, 3));
  const h = relu(matmul(x, w));
  const loss = sum(mul(h, h));
  graph.output("loss", loss);
  graph.output("dw", backward(loss, [w], scalar(graph, 1))[0]!);
  return graph;
}

describe("a graph", () => {
  it("prints as text, inputs first, in order of execution", () => {
    expect(print(dense())).toBe(
      [
        "input x: f32[B, 4]",
        "param w: f32[4, 3]",
        "%0: f32[B, 3] = matmul(x, w, transA=false, transB=false, scale=1)",
        "%1: f32[B, 3] = relu(%0)",
        "%2: f32[B, 3] = mul(%1, %1)",
        "%3: f32[] = sum(%2, axes=[0 1], keep=false)",
        "%4: f32[] = constant(dtype=float32, shape=[], values=[1])",
        "%5: f32[1, 1] = reshape(%4, shape=[1 1])",
        "%6: f32[B, 3] = expand(%5, shape=[B 3])",
        "%7: f32[B, 3] = mul(%6, %1)",
        "%8: f32[B, 3] = add(%7, %7)",
        "%9: f32[] = constant(dtype=float32, shape=[], values=[0])",
        "%10: bool[B, 3] = greater(%1, %9)",
        "%11: f32[B, 3] = cast(%10, to=float32)",
        "%12: f32[B, 3] = mul(%8, %11)",
        "%13: f32[4, 3] = matmul(x, %12, transA=true, transB=false, scale=1)",
        "return loss = %3",
        "return dw = %13",
      ].join("\n"),
    );
  });

  it("keeps one copy of equal expressions and only what its outputs need", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2));
    expect(add(x, 1)).toBe(add(x, 1));
    const unused = mul(x, 3);
    graph.output("y", add(x, 1));
    expect(graph.nodes).toContain(unused.node);
    expect(reachableNodes(graph).map((n) => n.op.name)).toEqual(["constant", "add"]);
  });

  it("tells constants apart that are written alike in JSON", () => {
    const graph = new Graph();
    const values = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    expect(new Set(values.map((value) => scalar(graph, value))).size).toBe(5);
    expect(scalar(graph, Number.NaN)).toBe(scalar(graph, Number.NaN));
  });

  it("clones without sharing nodes", () => {
    const graph = dense();
    const { graph: copy } = cloneGraph(graph);
    expect(print(copy)).toBe(print(graph));
    copy.output("extra", relu(copy.inputs.get("x")!));
    expect(graph.outputs.has("extra")).toBe(false);
  });

  it.each<[string, (g: Graph) => unknown, string]>([
    [
      "matmul",
      (g) => matmul(g.input("a", f32("B", 50, 64)), g.input("b", f32(128, 64))),
      "matmul: inner dims differ: f32[B, 50, 64] × f32[128, 64] (64 ≠ 128)",
    ],
    [
      "add",
      (g) => add(g.input("a", f32(2, 3)), g.input("b", f32(4))),
      "add: shapes [2, 3] and [4] do not broadcast (3 ≠ 4)",
    ],
    [
      "add types",
      (g) => add(g.input("a", f32(2)), g.input("b", i32(2))),
      "add: element types differ: float32 and int32 (cast one of them)",
    ],
    ["reshape", (g) => reshape(g.input("a", f32(2, 3)), [7]), "reshape: [2, 3] has 6 elements, [7] has 7"],
    ["slice", (g) => slice(g.input("a", f32(2, 3)), 1, 1, 5), "slice: 1..5 is outside axis 1 of [2, 3]"],
    ["axis", (g) => sum(g.input("a", f32(2, 3)), [2]), "sum: axis 2 is outside a tensor of rank 2"],
    [
      "concat",
      (g) => concat([g.input("a", f32(2, 3)), g.input("b", f32(3, 3))], 1),
      "concat: shapes [2, 3], [3, 3] do not join along axis 1",
    ],
    [
      "crossEntropy",
      (g) => crossEntropy(g.input("h", f32(2, 3)), g.input("e", f32(9, 4)), g.input("t", i32(2))),
      "crossEntropy: states [T, D], columns [D, N], targets [T] and weights [T] do not fit: f32[2, 3], f32[4, 9], i32[2], f32[2]",
    ],
    [
      "foreign values",
      (g) => add(g.input("a", f32(1)), new Graph().input("b", f32(1))),
      "add: an input belongs to another graph (trace both in one graph)",
    ],
  ])("says where shapes do not fit: %s", (_, build, message) => {
    expect(() => build(new Graph())).toThrow(ShapeError);
    expect(() => build(new Graph())).toThrow(message);
  });

  it("refuses a name that is declared twice and names the nearest of an unknown one", () => {
    const graph = new Graph();
    gather(graph.param("items", f32(3, 2)), graph.input("item", i32(4)));
    expect(() => graph.input("items", f32(1))).toThrow(
      'graph: "items" is declared twice; give each layer its own scope',
    );
    expect(() => graph.output("item", scalar(graph, 1))).toThrow(
      'graph: output "item" has the name of an input or parameter; give it another',
    );
    expect(() => graph.value("itms")).toThrow(/no input, parameter or output "itms"; the nearest is "items"/);
  });
});
