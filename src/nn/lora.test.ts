import { describe, expect, it } from "vitest";
import { gradient } from "../autodiff/gradient.ts";
import { Graph, print, reachableNodes } from "../graph/graph.ts";
import { matmul, mean, mul, relu, transpose } from "../graph/ops/index.ts";
import { readOnnx } from "../onnx/read.ts";
import { writeOnnx } from "../onnx/write.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { f32 } from "../tensor/spec.ts";
import { relativeError } from "../testing/check-op.ts";
import { freeze, lora, mergeLora, trainable } from "./adapt.ts";
import { disturb, feedsOf, network, noise, pictures, run } from "./networks.fixture.ts";

/** Every network with targets that match all its weights. */
const networks = [
  ["of matrix products", network, ["*", "items"]],
  ["of convolutions", pictures, "*"],
] as const;
const bytesOf = (graph: Graph): string => Buffer.from(writeOnnx(graph)).toString("base64");

describe.each(networks)("lora on a network %s", (_, network, everything) => {
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

  it("can be merged in a file as well", () => {
    const adapted = disturb(lora(network(), { rank: 2, targets: everything, alpha: 3 }));
    const merged = mergeLora(readOnnx(writeOnnx(adapted)));
    expect([...merged.params.keys()].filter((name) => name.includes(".lora."))).toEqual([]);
    expect(relativeError(run(merged).h!.data, run(adapted).h!.data)).toBeLessThan(1e-6);
  });

  it("has the gradients that differences show", () => {
    const adapted = disturb(lora(network(), { rank: 1, targets: everything }));
    const wrt = trainable(adapted).filter((name) => name.includes(".lora."));
    expect(wrt.length).toBeGreaterThanOrEqual(8);
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
});

describe("lora", () => {
  it("needs no gradient as large as a frozen weight", () => {
    const graph = new Graph();
    const x = graph.input("x", f32("B", 30));
    const hidden = relu(matmul(x, graph.param("one", f32(30, 20), noise("one", [30, 20]))));
    const two = graph.param("two", f32(10, 20), noise("two", [10, 20]));
    const three = transpose(graph.param("three", f32(40, 10), noise("three", [40, 10])), [1, 0]);
    graph.output("loss", mean(mul(matmul(matmul(hidden, two, { transB: true }), three), 2)));
    freeze(graph, "*");
    const adapted = lora(graph, { rank: 3, targets: "*" });
    const sizes = (wrt: string[]): string[] => {
      const nodes = reachableNodes(gradient(adapted, { of: "loss", wrt }));
      return nodes.flatMap((node) => node.outputs.map((y) => y.shape.join()));
    };
    expect(trainable(adapted)).toEqual(
      ["one", "two", "three"].flatMap((name) => [`${name}.lora.a`, `${name}.lora.b`]),
    );
    for (const shape of ["30,20", "10,20", "40,10"]) {
      expect(sizes(trainable(adapted))).not.toContain(shape);
      expect(sizes(["one", "two", "three"])).toContain(shape);
    }
  });

  it("needs none as large as the weights of ungrouped convolutions either", () => {
    const graph = pictures();
    freeze(graph, "*");
    const adapted = lora(graph, { rank: 1, targets: ["plain", "point"] });
    const nodes = reachableNodes(gradient(adapted, { of: "loss", wrt: trainable(adapted) }));
    const shapes = nodes.flatMap((node) => node.outputs.map((y) => y.shape.join()));
    for (const shape of ["4,3,3,3", "5,4,1,1"]) expect(shapes).not.toContain(shape);
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
