import { describe, expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { Graph, print, reachableNodes, type Value } from "../graph/graph.ts";
import {
  add,
  crossEntropy,
  gather,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  transpose,
} from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { count, f32, i32, numbers, type Tensor } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { slopeError } from "../testing/check-parts.ts";
import { adapters, freeze, lora, mergeLora, trainable, unfreeze } from "./adapt.ts";

const noise = (name: string, shape: readonly number[]): Tensor => ({
  data: stream(3, name).fillNormal(new Float32Array(count(shape)), 0.5),
  shape,
});

/** A network with weights used in every way, and a table that is also the head. */
function network(): Graph {
  const graph = new Graph();
  const weight = (name: string, ...shape: number[]): Value =>
    graph.param(name, f32(...shape), noise(name, shape));
  const table = weight("items", 7, 6);
  const x = gather(table, graph.input("ids", i32("B", 3))); // [B, 3, 6]
  const h = relu(add(matmul(x, weight("enc.0.weight", 6, 5)), weight("enc.0.bias", 5)));
  const g = add(
    matmul(h, weight("enc.1.weight", 6, 5), { transB: true, scale: 0.5 }),
    weight("enc.1.bias", 6),
  );
  const mixed = matmul(weight("mix.left", 4, 3), g); // [B, 4, 6]
  const turned = matmul(weight("mix.turned", 4, 3), mixed, { transA: true }); // [B, 3, 6]
  const moved = matmul(turned, transpose(weight("moved", 6, 6), [1, 0]));
  const stacked = matmul(reshape(moved, ["B", 3, 1, 6]), weight("stacked", 3, 6, 2)); // [B, 3, 1, 2]
  const flat = reshape(add(moved, mean(stacked, [3])), ["B*3", 6]);
  graph.output("h", flat);
  graph.output("loss", crossEntropy(flat, table, graph.input("target", i32("B*3"))));
  return graph;
}

const data: Record<string, NdArray> = {
  ids: { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 1) },
  target: { shape: [6], data: Float64Array.of(2, 3, 1, 5, 1, 6) },
};

function feedsOf(graph: Graph): Record<string, NdArray> {
  const stored = [...graph.params].map(([name, { data: tensor }]) => [
    name,
    { data: numbers(tensor!.data), shape: tensor!.shape },
  ]);
  return { ...data, ...Object.fromEntries(stored) };
}

const run = (graph: Graph) => evaluateReference(graph, feedsOf(graph), { B: 2 });

/** New values for the parameters that were added. */
function disturb(graph: Graph): Graph {
  for (const [name, param] of graph.params)
    if (/\.(lora|adapter)\./.test(name)) param.data = noise(name, param.value.shape as number[]);
  return graph;
}

const everything = ["*", "items"] as const;
const bytesOf = (graph: Graph): string => Buffer.from(writeOnnx(graph)).toString("base64");

describe("lora", () => {
  it("changes nothing at the start", () => {
    const before = run(network());
    const after = run(lora(network(), { rank: 2, targets: everything }));
    for (const name of ["h", "loss"]) expect(after[name]!.data).toEqual(before[name]!.data);
  });

  it("changes the function when its parameters change, and merges into it", () => {
    const adapted = disturb(lora(network(), { rank: 2, targets: everything, alpha: 3 }));
    const merged = mergeLora(adapted);
    const [plain, before, after] = [network(), adapted, merged].map(run);
    for (const name of ["h", "loss"]) {
      expect(relativeError(after![name]!.data, before![name]!.data)).toBeLessThan(1e-6); // W' is rounded to float32
      expect(relativeError(before![name]!.data, plain![name]!.data)).toBeGreaterThan(1e-2);
    }
  });

  it("merges into the architecture, names and metadata from before", () => {
    const adapted = lora(network(), { rank: 2, targets: everything });
    expect(bytesOf(mergeLora(adapted))).toBe(bytesOf(network()));
    const merged = mergeLora(disturb(adapted));
    expect(print(merged)).toBe(print(network()));
    expect([...merged.frozen]).toEqual([]);
  });

  it("has the gradients that differences show", () => {
    const adapted = disturb(lora(network(), { rank: 1, targets: everything }));
    const wrt = trainable(adapted).filter((name) => name.includes(".lora."));
    expect(wrt).toHaveLength(14);
    const bound = evaluateReference(gradient(adapted, { of: "loss", wrt }), feedsOf(adapted), { B: 2 });
    for (const name of wrt) {
      const feeds = feedsOf(adapted);
      const values = feeds[name]!;
      const slope = bound[`d/${name}`]!.data;
      for (const k of [0, values.data.length - 1]) {
        const at = (step: number): number => {
          const moved = { ...values, data: values.data.with(k, values.data[k]! + step) };
          return evaluateReference(adapted, { ...feeds, [name]: moved }, { B: 2 }).loss!.data[0]!;
        };
        expect(slope[k]!).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 7);
      }
    }
  });

  it("needs no gradient as large as a frozen weight", () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", 30));
    const hidden = relu(matmul(x, graph.param("one", f32(30, 20), noise("one", [30, 20]))));
    const two = graph.param("two", f32(10, 20), noise("two", [10, 20]));
    graph.output("loss", mean(mul(matmul(hidden, two, { transB: true }), 2)));
    freeze(graph, "*");
    const adapted = lora(graph, { rank: 3, targets: "*" });
    const sizes = (wrt: string[]): string[] => {
      const nodes = reachableNodes(gradient(adapted, { of: "loss", wrt }));
      return nodes.flatMap((node) => node.outputs.map((y) => y.shape.join()));
    };
    expect(trainable(adapted)).toEqual(["one.lora.a", "one.lora.b", "two.lora.a", "two.lora.b"]);
    for (const shape of ["30,20", "10,20"]) {
      expect(sizes(trainable(adapted))).not.toContain(shape);
      expect(sizes(["one", "two"])).toContain(shape);
    }
  });

  it("lays a out along the inputs and b along the outputs, and freezes the weight", () => {
    const graph = lora(network(), { rank: 2, targets: ["enc.*.weight", "mix.left", /stack/] });
    const shapes = Object.fromEntries(
      [...graph.params]
        .filter(([name]) => name.includes(".lora."))
        .map(([name, { value }]) => [name, value.shape]),
    );
    expect(shapes).toEqual({
      "enc.0.weight.lora.a": [6, 2],
      "enc.0.weight.lora.b": [2, 5],
      "enc.1.weight.lora.a": [2, 5],
      "enc.1.weight.lora.b": [6, 2],
      "mix.left.lora.a": [2, 3],
      "mix.left.lora.b": [4, 2],
      "stacked.lora.a": [3, 6, 2],
      "stacked.lora.b": [3, 2, 2],
    });
    expect([...graph.frozen]).toEqual(["enc.0.weight", "enc.1.weight", "mix.left", "stacked"]);
  });

  it("says what is wrong with its options", () => {
    const graph = network();
    expect(() => lora(graph, { rank: 1, targets: "*.wieght" })).toThrow(
      'lora: "*.wieght" matches no weight of a matrix product or convolution; the nearest are "enc.0.weight", "enc.1.weight", ',
    );
    expect(() => lora(graph, { rank: 1, targets: "items*" })).toThrow(/matches no weight/); // a table
    expect(() => lora(graph, { rank: 0, targets: "*" })).toThrow(
      "lora: the rank must be a whole number above 0, not 0",
    );
    const once = lora(graph, { rank: 1, targets: "moved" });
    expect(() => lora(once, { rank: 1, targets: "moved" })).toThrow(
      'lora: "moved" has an update already; merge it first',
    );
    expect(() => mergeLora(graph)).toThrow("mergeLora: the graph has no low-rank updates");
    expect(() => mergeLora(gradient(once, { of: "loss", wrt: ["moved.lora.a"] }))).toThrow(
      /mergeLora: a low-rank update is used by .*; merge the plain network/,
    );
    once.params.get("moved")!.data = null;
    expect(() => mergeLora(once)).toThrow(
      'mergeLora: "moved" or its update has no values; provide them first',
    );
  });
});

describe("adapters", () => {
  const after = ["enc.*", "mix.left", "h"] as const;

  it("changes nothing at the start", () => {
    const before = run(network());
    const adapted = run(adapters(network(), { size: 3, after }));
    for (const name of ["h", "loss"]) expect(adapted[name]!.data).toEqual(before[name]!.data);
  });

  it("adds one bottleneck behind each layer, named after what was matched", () => {
    const graph = adapters(network(), { size: 3, after });
    const added = [...graph.params.keys()].filter((name) => name.includes(".adapter."));
    const names = ["enc.0.weight", "enc.1.weight", "mix.left", "h"];
    const parts = ["down.weight", "down.bias", "up.weight", "up.bias"];
    expect(added).toEqual(names.flatMap((name) => parts.map((part) => `${name}.adapter.${part}`)));
    const changed = run(disturb(graph)).h!.data;
    expect(relativeError(changed, run(network()).h!.data)).toBeGreaterThan(1e-2);
  });

  it("has the gradients that differences show, along any axis", () => {
    for (const axis of [-1, 1]) {
      const graph = new Graph();
      const x = graph.input("x", f32(2, 3, 4));
      graph.output("y", matmul(x, graph.param("w", f32(4, 4), noise("w", [4, 4]))));
      const adapted = disturb(adapters(graph, { size: 2, after: "w", axis, activation: "silu" }));
      adapted.output("loss", mean(mul(adapted.value("y"), adapted.value("y"))));
      const { ids, target, ...feeds } = feedsOf(adapted);
      const values = { ...feeds, x: ndarray([2, 3, 4], (i) => Math.sin(i)) };
      expect(slopeError(adapted, values, "loss")).toBeLessThan(1e-8);
    }
  });

  it("can stand behind layers that have low-rank updates, which still merge", () => {
    const graph = adapters(lora(network(), { rank: 2, targets: "enc.*" }), { size: 2, after: "enc.*" });
    const [before, after] = [disturb(graph), mergeLora(graph)].map(run);
    expect(relativeError(after!.h!.data, before!.h!.data)).toBeLessThan(1e-6);
  });

  it("says what is wrong with its options", () => {
    expect(() => adapters(network(), { size: 2, after: "enc.9.*" })).toThrow(
      'adapters: "enc.9.*" matches no layer or value; the nearest are ',
    );
    expect(() => adapters(network(), { size: 0, after: "h" })).toThrow(
      "adapters: the size must be a whole number above 0, not 0",
    );
    expect(() => adapters(network(), { size: 2, after: "h", axis: 0 })).toThrow(
      'adapters: behind "h" is f32[B*3, 6]; axis 0 needs a known size of floats',
    );
  });
});

describe("frozen parameters", () => {
  it("are not trainable, in copies too", () => {
    const graph = network();
    expect(freeze(graph, ["enc.*", /^mix/])).toEqual([
      "enc.0.weight",
      "enc.0.bias",
      "enc.1.weight",
      "enc.1.bias",
      "mix.left",
      "mix.turned",
    ]);
    expect(unfreeze(graph, "*.bias")).toHaveLength(2);
    const rest = ["items", "enc.0.bias", "enc.1.bias", "moved", "stacked"];
    expect(trainable(graph)).toEqual(rest);
    const derived = gradient(graph, { of: "loss", wrt: trainable(graph) });
    expect([...derived.outputs.keys()]).toEqual(["loss", ...rest.map((name) => `d/${name}`)]);
    expect(trainable(derived)).toEqual(rest);
    expect(() => freeze(graph, "encoder.0.weight")).toThrow(
      'freeze: "encoder.0.weight" matches no parameter; the nearest are "enc.0.weight"',
    );
    expect(() => unfreeze(graph, /^x/)).toThrow('unfreeze: "^x" matches no parameter');
  });
});
