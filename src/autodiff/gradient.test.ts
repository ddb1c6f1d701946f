import { describe, expect, it } from "vitest";
import { Graph, reachableNodes } from "../graph/graph.ts";
import { add, exp, gather, matmul, mul, reshape, scalar, softmax, sum, tanh } from "../graph/ops/index.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { ndarray } from "../tensor/ndarray.ts";
import { f32, i32 } from "../tensor/spec.ts";
import { slopeError } from "../testing/check-parts.ts";
import { backward, gradient, paramGradients } from "./gradient.ts";

/** tanh(x·w + b) with softmax attention over itself: every kind of reuse and broadcast in a few nodes. */
function network(): Graph {
  const graph = new Graph();
  const x = graph.input("x", f32(3, 4));
  const h = tanh(add(matmul(x, graph.param("w", f32(4, 4))), graph.param("b", f32(4))));
  const seen = matmul(softmax(matmul(h, h, { transB: true })), h);
  graph.output("loss", sum(mul(add(seen, x), exp(h))));
  return graph;
}

const feeds = {
  x: ndarray([3, 4], (i) => Math.sin(i)),
  w: ndarray([4, 4], (i) => Math.cos(3 * i) / 2),
  b: ndarray([4], (i) => i / 10),
};

describe("gradient", () => {
  it("agrees with central differences through a whole network", () => {
    expect(slopeError(network(), feeds, "loss")).toBeLessThan(1e-8);
  });

  it("returns `of` and one d/NAME for inputs and parameters, and leaves the graph as it was", () => {
    const graph = network();
    const derived = gradient(graph, { of: "loss", wrt: ["w", "x"] });
    expect([...derived.outputs.keys()]).toEqual(["loss", "d/w", "d/x"]);
    expect([...graph.outputs.keys()]).toEqual(["loss"]);
    const values = evaluateReference(derived, feeds);
    expect(values["d/w"]!.shape).toEqual([4, 4]);
    expect(values.loss!.data[0]).toBe(evaluateReference(graph, feeds).loss!.data[0]);
  });

  it("takes an arriving cotangent for outputs that are not scalars", () => {
    const graph = new Graph();
    graph.output("y", mul(graph.input("x", f32(2)), graph.param("w", f32(2))));
    const derived = gradient(graph, { of: "y", wrt: ["x"], cotangent: "g" });
    const given = { x: ndarray([2], 5), w: ndarray([2], (i) => i + 1), g: ndarray([2], 10) };
    expect([...evaluateReference(derived, given)["d/x"]!.data]).toEqual([10, 20]);
    expect(() => gradient(graph, { of: "y", wrt: ["x"] })).toThrow(
      'gradient: "y" has shape [2], not one number; name a cotangent input',
    );
    expect(() => gradient(graph, { of: "z", wrt: ["x"] })).toThrow(/no input, parameter or output "z"/);
  });

  it("is zero where nothing flows", () => {
    const graph = new Graph();
    graph.param("unused", f32(2));
    graph.output("loss", sum(graph.input("x", f32(3))));
    const derived = gradient(graph, { of: "loss", wrt: ["unused"] });
    expect([...evaluateReference(derived, { x: ndarray([3], 1) })["d/unused"]!.data]).toEqual([0, 0]);
  });

  it("computes nothing for parameters that are not asked for", () => {
    const graph = network();
    const loss = graph.outputs.get("loss")!;
    const before = graph.nodes.length;
    expect(backward(loss, [], scalar(graph, 1))).toEqual([]);
    expect(graph.nodes.length).toBeLessThanOrEqual(before + 1); // the seed
    const all = reachableNodes(gradient(graph, { of: "loss", wrt: ["w", "b", "x"] })).length;
    const some = reachableNodes(gradient(graph, { of: "loss", wrt: ["b"] })).length;
    expect(some).toBeLessThan(all);
  });

  it("splits a tied table into a dense part and rows whose sum is the whole gradient", () => {
    const graph = new Graph();
    const table = graph.param("table", f32(5, 2));
    const indices = graph.input("indices", i32(2, 2));
    const h = reshape(gather(table, indices), [4, 2]);
    const loss = sum(exp(matmul(h, table, { transB: true, scale: 0.3 })));
    graph.output("whole", backward(loss, [table], scalar(graph, 1))[0]!);
    const [parts] = paramGradients(loss, [table], scalar(graph, 1));
    graph.output("dense", parts!.dense!);
    parts!.rows.forEach((r, k) => {
      graph.output(`rows${k}`, r.gradient);
    });
    const given = {
      table: ndarray([5, 2], (i) => Math.sin(i + 1)),
      indices: { shape: [2, 2], data: Float64Array.of(1, 3, 3, 0) },
    };
    const { whole, dense, rows0 } = evaluateReference(graph, given);
    const total = dense!.data.slice();
    given.indices.data.forEach((row, k) => {
      for (let c = 0; c < 2; c++) total[row * 2 + c]! += rows0!.data[k * 2 + c]!;
    });
    expect(parts!.rows).toHaveLength(1);
    total.forEach((v, i) => {
      expect(v).toBeCloseTo(whole!.data[i]!, 10);
    });
  });
});
