import { describe, expect, it } from "vitest";
import { Graph, type Value } from "../graph/graph.ts";
import { add, matmul, mul, scalar, softmax, sum, tanh } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { evaluateReference, fromNdArray } from "../runtime/reference.ts";
import { ndarray } from "../tensor/ndarray.ts";
import { f32, numbers } from "../tensor/spec.ts";
import { executedNodes } from "../testing/executed.ts";
import { backward } from "./gradient.ts";
import { type Section, traceSection } from "./recompute.ts";

const [rows, width] = [6, 4];

/** Residual blocks x + softmax(tanh(x·W)·V)·x, of which V is shared, with gradients of all parameters and of x. */
function blocks(count: number, recompute: boolean): Graph {
  const graph = new Graph();
  const source = graph.input("x", f32(rows, width));
  const shared = graph.param("shared", f32(width, width));
  const sections: Section[] = [];
  const params = [shared];
  let x: Value = source;
  for (let k = 0; k < count; k++) {
    const before = x;
    const weight = graph.param(`w${k}`, f32(width, width));
    params.push(weight);
    const { result, section } = traceSection(graph, () => {
      const inner = tanh(matmul(before, weight)); // [rows, width]
      return add(before, mul(softmax(matmul(inner, shared)), before));
    });
    x = result;
    sections.push(section);
  }
  const loss = sum(mul(x, x));
  graph.output("loss", loss);
  const wrt = [source, ...params];
  backward(loss, wrt, scalar(graph, 1), recompute ? { recompute: sections } : {}).forEach((g, i) => {
    graph.output(`d/${wrt[i]!.name}`, g!);
  });
  return graph;
}

const feeds = Object.fromEntries(
  ["x", "shared", "w0", "w1", "w2"].map((name, k) => [
    name,
    ndarray(k === 0 ? [rows, width] : [width, width], (i) => Math.sin(3 * i + k) / 2),
  ]),
);
const tensors = Object.fromEntries(
  Object.entries(feeds).map(([name, x]) => [name, fromNdArray(x, "float32")]),
);

describe("rematerialisation", () => {
  it("changes no gradient, not even by a rounding", () => {
    const plain = evaluateReference(blocks(3, false), feeds);
    const again = evaluateReference(blocks(3, true), feeds);
    expect(Object.keys(again)).toEqual(Object.keys(plain));
    for (const [name, { data }] of Object.entries(plain)) expect(again[name]!.data).toEqual(data);
  });

  it("gives the same gradients in ONNX Runtime", async () => {
    const expected = evaluateReference(blocks(3, false), feeds);
    const program = await compile(blocks(3, true), { params: "fed", threads: 1 });
    const outputs = await program.run(tensors);
    await program.dispose();
    for (const [name, { data }] of Object.entries(expected)) {
      numbers(outputs[name]!.data).forEach((v, i) => {
        expect(v).toBeCloseTo(data[i]!, 4);
      });
    }
  });

  it("leaves out what no gradient needs, and does not compute again what is at hand", () => {
    const graph = blocks(3, true);
    const count = (name: string): number => graph.nodes.filter(({ op }) => op.name === name).length;
    expect(count("softmax")).toBe(6);
    expect(count("tanh")).toBe(6);
    expect(count("matmul")).toBe(6 + 3 * 6); // forward; again, and two for each backward
    expect(count("barrier")).toBe(3 + 2); // where a block starts again, and between blocks
  });

  it("is what ONNX Runtime does: blocks run again one by one, each done with before the one before it", async () => {
    const type = (recompute: boolean) => async () =>
      (await executedNodes(blocks(3, recompute), tensors)).map((node) => node.type);
    const [plain, again] = [await type(false)(), await type(true)()];
    expect(plain.filter((t) => t === "Tanh")).toHaveLength(3);
    expect(again.filter((t) => t === "Tanh")).toHaveLength(6);
    const products = (from: number, to?: number): number =>
      again.slice(from, to).filter((t) => /MatMul|Gemm/.test(t)).length;
    const places = again.flatMap((t, i) => (t === "Tanh" ? [i] : []));
    // Two products a block forward; two, of which one stands before the tanh, to compute it again, and four backward.
    expect(products(0, places[3])).toBe(3 * 2 + 1);
    expect(products(places[3]!, places[4])).toBe(6);
    expect(products(places[4]!, places[5])).toBe(6);
    expect(products(places[5]!)).toBe(5);
  });
});
