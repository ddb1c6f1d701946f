/** @file The machine's own matrix-product speed, and what share of it the loss head and the whole training step reach. */
import { join } from "node:path";
import { backward } from "../src/autodiff/gradient.ts";
import { Graph } from "../src/graph/graph.ts";
import { crossEntropy, matmul, scalar, sum } from "../src/graph/ops/index.ts";
import { compile } from "../src/runtime/node.ts";
import type { Feeds } from "../src/runtime/runtime.ts";
import { stream } from "../src/tensor/random.ts";
import { count, f32, i32, knownShape } from "../src/tensor/spec.ts";
import { rounded } from "./machine.ts";
import { openShared, openTrainer } from "./session.ts";

/** Shortest of several runs, in milliseconds. */
async function fastest(graph: Graph, high: number, threads: number, runs = 12): Promise<number> {
  const feeds: Record<string, Feeds[string]> = {};
  for (const [name, value] of graph.inputs) {
    const shape = knownShape(value.shape, name);
    const random = stream(1, name);
    const size = count(shape);
    const data =
      value.dtype === "int32"
        ? Int32Array.from({ length: size }, () => random.below(high))
        : random.fillNormal(new Float32Array(size), 0.1);
    feeds[name] = { data, shape };
  }
  const program = await compile(graph, { threads });
  let best = Number.POSITIVE_INFINITY;
  for (let k = 0; k < runs; k++) {
    const began = performance.now();
    await program.run(feeds);
    best = Math.min(best, performance.now() - began);
  }
  await program.dispose();
  return best;
}

function product(size: number): Graph {
  const graph = new Graph();
  graph.output("y", matmul(graph.input("a", f32(size, size)), graph.input("b", f32(size, size))));
  return graph;
}

/** Cross-entropy forward and backward; the gradient of the table leaves the graph summed, so that no copy is timed. */
function head(tokens: number, width: number, items: number): Graph {
  const graph = new Graph();
  const h = graph.input("h", f32(tokens, width));
  const table = graph.input("table", f32(items, width));
  const loss = crossEntropy(h, table, graph.input("target", i32(tokens)));
  const [dh, dt] = backward(loss, [h, table], scalar(graph, 1));
  graph.output("loss", loss);
  graph.output("dh", sum(dh!, [0]));
  graph.output("dt", sum(dt!, [0]));
  return graph;
}

/** Floating-point operations of a head's three matrix products. */
const headWork = (tokens: number, width: number, items: number): number => 6 * tokens * width * items;

export async function benchRoofline({
  shared,
  threads,
}: {
  shared: string;
  threads: number;
}): Promise<Record<string, unknown>> {
  const size = 2048;
  const roof = (2 * size ** 3) / (await fastest(product(size), 1, threads, 8)) / 1e6;
  const items = 12_101;
  const heads: Record<string, unknown>[] = [];
  for (const [tokens, width] of [
    [1024, 64],
    [4096, 64],
    [1024, 256],
  ] as const) {
    const milliseconds = await fastest(head(tokens, width, items), items, threads);
    const speed = headWork(tokens, width, items) / milliseconds / 1e6;
    heads.push({
      tokens,
      width,
      items,
      milliseconds: rounded(milliseconds),
      gflops: rounded(speed),
      share: rounded(speed / roof),
    });
  }
  const dataset = await openShared(join(shared, "data", "amazon-beauty"));
  const steps: Record<string, unknown>[] = [];
  for (const width of [64, 256]) {
    const trainer = await openTrainer(dataset, threads, [{ path: "items.dim", value: width }]);
    const { batchTokens, rowLength } = trainer.config.training;
    const { stepMilliseconds } = await trainer.measure(10);
    // Matrix products only: the head, 6 dense layers a block and the two attention products, forward and backward.
    const blocks = Number(trainer.config.backbone.blocks);
    const hidden = Number(trainer.config.backbone.hidden);
    const dense = blocks * 6 * batchTokens * (4 + 2 * hidden) * width * width;
    const attention = blocks * 6 * batchTokens * 2 * rowLength * width;
    const speed = (headWork(batchTokens, width, items) + dense + attention) / stepMilliseconds / 1e6;
    steps.push({
      batchTokens,
      width,
      milliseconds: rounded(stepMilliseconds),
      gflops: rounded(speed),
      share: rounded(speed / roof),
    });
    await trainer.learner.dispose();
    await trainer.runtime.dispose();
  }
  return { threads, matrixProduct: { size, gflops: rounded(roof) }, heads, trainingSteps: steps };
}
