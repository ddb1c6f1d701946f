import { describe, expect, it } from "vitest";
import { backward, gradient } from "../../autodiff/gradient.ts";
import { compile } from "../../runtime/node.ts";
import { evaluateReference, fromNdArray, toNdArray } from "../../runtime/reference.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { f32, numbers } from "../../tensor/spec.ts";
import { relativeError } from "../../testing/check-op.ts";
import { slopeError } from "../../testing/check-parts.ts";
import { cloneGraph, Graph, reachableNodes } from "../graph.ts";
import { averagePool, conv, convTranspose, maxPool, mul, sum, tanh } from "./index.ts";

const wave = (...shape: number[]) => ndarray(shape, (i) => Math.sin(3 * i) + i / 100);

/** Down and up again with every kind of window, all sizes of the picture open. */
function network(): Graph {
  const graph = new Graph();
  const x = graph.input("x", f32("B", 2, "H", "W"));
  const down = tanh(conv(x, graph.param("w1", f32(4, 2, 3, 3)), { strides: [2, 2], pads: "SAME_UPPER" }));
  const each = conv(down, graph.param("w2", f32(4, 1, 3, 3)), { pads: [1, 1, 1, 1], groups: 4 });
  const { y } = maxPool(each, [2, 2], { pads: [0, 0, 1, 1] });
  const mean = averagePool(y, [3, 3], { pads: [1, 1, 1, 1] });
  const up = convTranspose(mean, graph.param("w3", f32(4, 3, 2, 2)), {
    strides: [2, 2],
    bias: graph.param("b3", f32(3)),
  });
  graph.output("y", up);
  return graph;
}
const params = { w1: wave(4, 2, 3, 3), w2: wave(4, 1, 3, 3), w3: wave(4, 3, 2, 2), b3: wave(3) };

describe("convolutions over open dimensions", () => {
  it("have shapes that follow from the input's", () => {
    const [batch, channels, height] = network().value("y").shape;
    expect([batch, channels, height]).toEqual(["B", 3, "floor(H+1/2)*2"]);
  });
  it("have gradients at any size", async () => {
    const graph = network();
    const derived = gradient(graph, { of: "y", wrt: ["x", "w1", "w2", "w3", "b3"], cotangent: "g" });
    const program = await compile(derived, { params: "fed" });
    for (const [b, h, w] of [
      [2, 6, 7],
      [1, 5, 4],
    ] as const) {
      const [rows, columns] = [2 * Math.ceil(h / 2), 2 * Math.ceil(w / 2)];
      const feeds = { ...params, x: wave(b, 2, h, w), g: wave(b, 3, rows, columns) };
      const expected = evaluateReference(derived, feeds, { B: b, H: h, W: w });
      const tensors = Object.entries(feeds).map(([name, x]) => [name, fromNdArray(x, "float32")]);
      const actual = await program.run(Object.fromEntries(tensors));
      for (const [name, { data }] of Object.entries(expected))
        expect(relativeError(numbers(actual[name]!.data), data)).toBeLessThan(5e-6);
    }
    await program.dispose();
  });
  it("run forward in a program that leaves all sizes open", async () => {
    const graph = network();
    const program = await compile(graph, { params: "fed", shapes: "open" });
    const feeds = { ...params, x: wave(2, 2, 5, 6) };
    const expected = evaluateReference(graph, feeds, { B: 2, H: 5, W: 6 }).y!;
    const tensors = Object.entries(feeds).map(([name, x]) => [name, fromNdArray(x, "float32")]);
    const { y } = await program.run(Object.fromEntries(tensors));
    expect(relativeError(toNdArray(y!).data, expected.data)).toBeLessThan(2e-6);
    await program.dispose();
  });
});

describe("gradients of convolutions", () => {
  it("have gradients themselves", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2, 4, 5, 4));
    const w = graph.param("w", f32(6, 2, 3, 2));
    const g = graph.input("g", f32(2, 6, 3, 3));
    const y = conv(x, w, { strides: [2, 1], pads: [1, 0, 1, 0], groups: 2 });
    const [dx, dw] = backward(y, [x, w], g);
    graph.output("dx", dx!);
    graph.output("dw", dw!);
    const feeds = { x: wave(2, 4, 5, 4), w: wave(6, 2, 3, 2), g: wave(2, 6, 3, 3) };
    expect(slopeError(cloneGraph(graph).graph, feeds, "dx")).toBeLessThan(1e-8);
    expect(slopeError(cloneGraph(graph).graph, feeds, "dw")).toBeLessThan(1e-8);
  });

  it("hold only what the asked-for parameters need", () => {
    const operators = (wrt: string[]): string[] => {
      const graph = network();
      graph.output("loss", sum(mul(graph.value("y"), graph.value("y"))));
      const before = new Set(
        reachableNodes(gradient(graph, { of: "loss", wrt: [] })).map(({ op }) => op.name),
      );
      const names = reachableNodes(gradient(graph, { of: "loss", wrt })).map(({ op }) => op.name);
      return names.filter((name) => !before.has(name));
    };
    expect(operators(["w3"])).toContain("convWeights");
    expect(operators(["w3"])).not.toContain("spreadAverages");
    expect(operators(["b3"])).not.toContain("convWeights");
    expect(operators(["w2"]).filter((name) => name === "convWeights")).toHaveLength(1);
    expect(operators(["x"])).not.toContain("convWeights");
  });
});
