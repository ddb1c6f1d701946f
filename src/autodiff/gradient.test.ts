import { describe, expect, it } from "vitest";
import { Graph, reachableNodes } from "../graph/graph.ts";
import { defineOp } from "../graph/op.ts";
import {
  add,
  cast,
  concat,
  crossEntropy,
  exp,
  gather,
  matmul,
  mean,
  mul,
  pad,
  reshape,
  reverse,
  scalar,
  scatterElements,
  slice,
  softmax,
  split,
  sub,
  sum,
  tanh,
} from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { evaluateReference, fromNdArray } from "../runtime/reference.ts";
import { ShapeError } from "../tensor/errors.ts";
import { ndarray } from "../tensor/ndarray.ts";
import { f32, i32, numbers } from "../tensor/spec.ts";
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

  it("keeps open dimensions open", async () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", 2));
    const table = graph.param("table", f32(3, 2));
    const loss = add(mean(x), crossEntropy(x, table, graph.input("target", i32("B"))));
    graph.output("loss", add(loss, sum(mean(mul(x, x), [0]))));
    const derived = gradient(graph, { of: "loss", wrt: ["x", "table"] });
    const program = await compile(derived, { params: "fed", threads: 1 });
    for (const rows of [1, 4]) {
      const values = {
        x: ndarray([rows, 2], (i) => Math.sin(i + 1)),
        table: ndarray([3, 2], (i) => Math.cos(i)),
        target: ndarray([rows], (i) => i % 3),
      };
      const expected = evaluateReference(derived, values, { B: rows });
      for (const name of ["x", "table"] as const) {
        const at = (k: number, step: number): number => {
          const { data, shape } = values[name];
          const moved = { data: data.with(k, data[k]! + step), shape };
          return evaluateReference(graph, { ...values, [name]: moved }, { B: rows }).loss!.data[0]!;
        };
        expected[`d/${name}`]!.data.forEach((slope, k) => {
          expect(slope).toBeCloseTo((at(k, 1e-5) - at(k, -1e-5)) / 2e-5, 8);
        });
      }
      const actual = await program.run({
        x: fromNdArray(values.x, "float32"),
        table: fromNdArray(values.table, "float32"),
        target: fromNdArray(values.target, "int32"),
      });
      for (const name of ["loss", "d/x", "d/table"]) {
        numbers(actual[name]!.data).forEach((v, i) => {
          expect(v).toBeCloseTo(expected[name]!.data[i]!, 5);
        });
      }
    }
    await program.dispose();
  });

  it("goes through parts, joins and look-ups of open dimensions", async () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", "L", 2));
    const shifted = sub(slice(x, 1, 1, "L"), slice(x, 1, 0, "L-1")); // [B, L−1, 2]
    const joined = concat([shifted, pad(x, 1, 0, 1)], 1); // [B, 2·L, 2]
    const [even, odd] = split(reverse(joined, 1), 1, ["L", "L"]);
    const last = gather(mul(even!, odd!), graph.input("place", i32("K")), 1); // [B, K, 2]
    graph.output("loss", sum(mul(last, last)));
    const derived = gradient(graph, { of: "loss", wrt: ["x"] });
    const program = await compile(derived, { threads: 1 });
    for (const [B, L, K] of [
      [2, 3, 4],
      [1, 5, 2],
    ] as const) {
      const values = {
        x: ndarray([B, L, 2], (i) => Math.sin(i + 1)),
        place: ndarray([K], (i) => (i % 2 === 0 ? i : -i)),
      };
      const at = (data: Float64Array): number =>
        evaluateReference(graph, { ...values, x: { ...values.x, data } }, { B, L, K }).loss!.data[0]!;
      const { "d/x": slope } = await program.run({
        x: fromNdArray(values.x, "float32"),
        place: fromNdArray(values.place, "int32"),
      });
      values.x.data.forEach((v, i) => {
        const moved = (step: number): number => at(values.x.data.with(i, v + step));
        expect(slope!.data[i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 4);
      });
    }
    await program.dispose();
  });

  it("names the operator that has no gradient rule", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(3));
    const index = graph.input("index", i32(2));
    graph.output("loss", sum(scatterElements(x, index, slice(x, 0, 0, 2), { axis: 0, reduction: "mul" })));
    expect(() => gradient(graph, { of: "loss", wrt: ["x"] })).toThrow(
      'scatterElements: with reduction "mul" it has no gradient rule',
    );
  });

  it("checks parts of open axes once their sizes are known", async () => {
    const graph = new Graph();
    graph.output("y", slice(graph.input("x", f32("L")), 0, 2, "L-1"));
    const program = await compile(graph, { threads: 1 });
    const { y } = await program.run({ x: { data: Float32Array.of(1, 2, 3, 4), shape: [4] } });
    expect([...(y!.data as Float32Array)]).toEqual([3]);
    await expect(program.run({ x: { data: Float32Array.of(1, 2), shape: [2] } })).rejects.toThrow(
      "slice: 2..1 is outside axis 0 of [2]",
    );
    await program.dispose();
  });

  it("reduces each axis once, and none where none is named", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2, 3));
    expect(mean(x, [1, -1])).toBe(mean(x, [1]));
    expect(sum(x, [])).toBe(x);
  });

  it("is zero where nothing flows", () => {
    const graph = new Graph();
    graph.param("unused", f32(2));
    graph.output("loss", sum(graph.input("x", f32(3))));
    const derived = gradient(graph, { of: "loss", wrt: ["unused"] });
    expect([...evaluateReference(derived, { x: ndarray([3], 1) })["d/unused"]!.data]).toEqual([0, 0]);
  });

  it("refuses what has no gradient in one sentence", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(2));
    graph.output("loss", sum(gather(x, graph.input("i", i32(3)))));
    graph.output("places", cast(x, "int64"));
    const derive = (of: string, wrt: string, cotangent?: string) =>
      gradient(graph, { of, wrt: [wrt], ...(cotangent ? { cotangent } : {}) });
    expect(() => derive("loss", "i")).toThrow(
      'gradient: "i" is i32[3]; gradients exist with respect to float values only',
    );
    expect(() => derive("places", "x")).toThrow(
      'gradient: "places" is i64[2]; only float values can be differentiated',
    );
    expect(() => derive("loss", "z")).toThrow('graph: no input, parameter or output "z"; the nearest is "x"');
    expect(() => derive("loss", "x", "i")).toThrow(
      'gradient: the graph has a value "i" already; give the cotangent another name',
    );
  });

  it("names the operator and its value where a gradient is missing", () => {
    const graph = new Graph();
    const x = graph.input("x", f32(3));
    const stuck = defineOp({
      name: "stuck",
      infer: ([given]) => [given!],
      gradient: () => {
        throw new ShapeError("no-gradient", "stuck: it has no gradient");
      },
      lower: (e, inputs) => e.node("Identity", inputs),
      reference: ([given]) => [given!],
      samples: [],
    });
    const [y] = graph.apply(stuck, [x], {});
    graph.labels.set("block/out", y!);
    graph.output("loss", sum(y!));
    graph.output("other", sum(exp(x)));
    expect(() => gradient(graph, { of: "loss", wrt: ["x"] })).toThrow(
      'gradient: stuck: it has no gradient; it stands on the path, where it computes "block/out"',
    );
    gradient(graph, { of: "other", wrt: ["x"] }); // not on this path
  });

  it("has the element type of what it belongs to", () => {
    const graph = new Graph();
    const x = graph.input("x", { dtype: "float64", shape: [2] });
    graph.input("unused", { dtype: "float64", shape: [2] });
    graph.output("loss", sum(mul(x, x)));
    const derived = gradient(graph, { of: "loss", wrt: ["x", "unused"] });
    expect(["d/x", "d/unused"].map((name) => derived.value(name).dtype)).toEqual(["float64", "float64"]);
  });

  it("costs nothing in a frozen encoder", () => {
    const graph = new Graph();
    let h = graph.input("x", f32(4, 8));
    const layer = (name: string) => graph.param(name, f32(8, 8));
    for (let i = 0; i < 5; i++) h = tanh(matmul(h, layer(`encoder${i}`)));
    graph.output("loss", sum(tanh(matmul(h, layer("head")))));
    const products = (wrt: string[]) =>
      reachableNodes(gradient(graph, { of: "loss", wrt })).filter(({ op }) => op.name === "matmul").length;
    expect(products([])).toBe(6);
    expect(products(["head"])).toBe(7);
    expect(products(["encoder4"])).toBe(8);
    expect(products(["encoder0"])).toBe(12);
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
