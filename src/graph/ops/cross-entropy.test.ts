import { describe, expect, it } from "vitest";
import { backward } from "../../autodiff/gradient.ts";
import { compile } from "../../runtime/node.ts";
import { stream } from "../../tensor/random.ts";
import { f32, i32, type Tensor } from "../../tensor/spec.ts";
import { executedNodes } from "../../testing/executed.ts";
import { Graph, type Value } from "../graph.ts";
import { scalar } from "./constant.ts";
import { chunkRows, crossEntropy } from "./cross-entropy.ts";
import { take } from "./gather-elements.ts";
import { matmul } from "./matmul.ts";
import { mul, neg } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { logSoftmax } from "./softmax.ts";

const [tokens, width, items, scale] = [96, 8, 500, 2];
type Inputs = Record<"h" | "table" | "target" | "weight", Value>;

/** Loss and gradients of a way to write the loss, as a graph. */
function head(loss: (inputs: Inputs) => Value): Graph {
  const graph = new Graph();
  const h = graph.input("h", f32(tokens, width));
  const table = graph.input("table", f32(items, width));
  const inputs = {
    h,
    table,
    target: graph.input("target", i32(tokens)),
    weight: graph.input("weight", f32(tokens)),
  };
  const total = loss(inputs);
  graph.output("loss", total);
  backward(total, [h, table, inputs.weight], scalar(graph, 1)).forEach((g, i) => {
    graph.output(["dh", "dt", "dw"][i]!, g!);
  });
  return graph;
}

const random = stream(3, "head");
const noise = (...shape: number[]): Tensor => ({
  data: random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1))),
  shape,
});
const feeds = {
  h: noise(tokens, width),
  table: noise(items, width),
  target: { data: Int32Array.from({ length: tokens }, () => random.below(items)), shape: [tokens] },
  weight: noise(tokens),
};

async function run(graph: Graph): Promise<Record<string, Float32Array>> {
  const program = await compile(graph, { threads: 2 });
  const outputs = await program.run(feeds);
  await program.dispose();
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, t.data as Float32Array]));
}

const inChunks = (chunk: number): Graph =>
  head(({ h, table, target, weight }) => crossEntropy(h, table, target, { weight, scale, chunk }));

describe("the loss head", () => {
  it.each([7, 32, 96, 1024])(
    "gives in chunks of %d what the plain softmax of all scores gives",
    async (chunk) => {
      const plain = head(({ h, table, target, weight }) =>
        neg(sum(mul(take(logSoftmax(matmul(h, table, { transB: true, scale })), target), weight))),
      );
      const [actual, expected] = [await run(inChunks(chunk)), await run(plain)];
      for (const [name, values] of Object.entries(expected)) {
        const size = values.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1);
        values.forEach((v, i) => {
          expect(Math.abs(actual[name]![i]! - v) / size).toBeLessThan(1e-5);
        });
      }
    },
  );

  it("is done with one chunk, gradients included, before it computes the scores of the next", async () => {
    const shapes = (await executedNodes(inChunks(32), feeds)).map(({ shape }) => shape.join());
    const [scores, gradient] = [`32,${items}`, `${width},${items}`];
    const large = shapes.filter((shape) => shape === scores || shape === gradient);
    // Scores, probabilities and gradient of a chunk; then the gradients are added up.
    const chunk = [scores, scores, gradient];
    const order = [...chunk, ...chunk, gradient, ...chunk, gradient];
    expect(large.slice(large.indexOf(scores)).slice(0, order.length)).toEqual(order);
  });

  it("takes as many rows at once as memory allows", () => {
    expect(chunkRows(12_101, 1024)).toBe(1024);
    expect(chunkRows(12_101, 16)).toBe(16);
    expect(chunkRows(100_000, 1024)).toBe(167);
    expect(chunkRows(1e9, 1024)).toBe(1);
  });
});
