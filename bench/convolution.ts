/** @file Convolutions and their two gradients, alone and in a whole image encoder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { backward, gradient } from "../src/autodiff/gradient.ts";
import { Graph, type Value } from "../src/graph/graph.ts";
import { conv } from "../src/graph/ops/index.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { compile } from "../src/runtime/node.ts";
import type { RuntimeOptions } from "../src/runtime/runtime.ts";
import { stream } from "../src/tensor/random.ts";
import { bindShape, count, f32, knownShape, type Tensor } from "../src/tensor/spec.ts";
import { rounded } from "./machine.ts";

export interface ConvolutionBenchOptions {
  readonly shared: string;
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

/** Shortest of several runs by the clock, and least processor time of one, in milliseconds. */
interface Times {
  readonly clock: number;
  readonly processors: number;
}

async function fastest(graph: Graph, options: RuntimeOptions, batch: number, runs = 8): Promise<Times> {
  const program = await compile(graph, options);
  const feeds: Record<string, Tensor> = {};
  const noise = (name: string, shape: number[]): Tensor => ({
    data: stream(1, name).fillNormal(new Float32Array(count(shape)), 0.5),
    shape,
  });
  for (const [name, value] of graph.inputs)
    feeds[name] = noise(name, knownShape(bindShape(value.shape, { N: batch }), name));
  if (options.params === "fed") for (const [name, { data }] of graph.params) feeds[name] = data!;
  let [clock, processors] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let k = 0; k < runs; k++) {
    const began = performance.now();
    const used = process.cpuUsage();
    await program.run(feeds);
    const { user, system } = process.cpuUsage(used);
    clock = Math.min(clock, performance.now() - began);
    processors = Math.min(processors, (user + system) / 1000);
  }
  await program.dispose();
  return { clock: rounded(clock), processors: rounded(processors) };
}

/** Channels in and out, side, kernel, stride; as many groups as channels where both are the same and the kernel is 3. */
const layers = [
  [3, 32, 224, 3, 2, 1],
  [32, 32, 112, 3, 1, 32],
  [64, 64, 112, 3, 2, 64],
  [512, 512, 14, 3, 1, 512],
  [32, 64, 112, 1, 1, 1],
  [512, 512, 14, 1, 1, 1],
  [64, 64, 56, 3, 1, 1],
  [256, 256, 14, 3, 1, 1],
] as const;

/** One layer's product and each of its gradients, batch 8. */
async function measureLayer(
  [inner, outer, side, kernel, stride, groups]: (typeof layers)[number],
  threads: number,
) {
  const traced = (pick: (x: Value, w: Value, g: Value, y: Value) => Value): Graph => {
    const graph = new Graph();
    const x = graph.input("x", f32("N", inner, side, side));
    const w = graph.input("w", f32(outer, inner / groups, kernel, kernel));
    const y = conv(x, w, { strides: [stride, stride], pads: "SAME_UPPER", groups });
    graph.output("out", pick(x, w, graph.input("g", y.spec), y));
    return graph;
  };
  const time = (pick: Parameters<typeof traced>[0]) => fastest(traced(pick), { threads }, 8);
  return {
    channels: [inner, outer],
    side,
    kernel,
    stride,
    groups,
    forward: await time((_x, _w, _g, y) => y),
    inputGradient: await time((x, _w, g, y) => backward(y, [x], g)[0]!),
    weightGradient: await time((_x, w, g, y) => backward(y, [w], g)[0]!),
  };
}

async function measureEncoder(shared: string, batch: number, threads: number) {
  const graph = readOnnx(readFileSync(join(shared, "models", "mobilenet-v1-embedding.onnx")));
  const wrt = [...graph.params.keys()];
  const slopes = gradient(graph, { of: "embedding", wrt, cotangent: "g" });
  const forward = await fastest(graph, { threads, params: "fed" }, batch);
  const both = await fastest(slopes, { threads, params: "fed" }, batch, 5);
  const ratio = ({ processors }: Times): number => rounded(processors / forward.processors - 1);
  return {
    batch,
    forwardWithStoredWeights: await fastest(graph, { threads }, batch),
    forward,
    forwardAndBackward: both,
    backwardByForward: ratio(both),
  };
}

/** Times in milliseconds. */
export async function benchConvolution({ shared, threads, onProgress }: ConvolutionBenchOptions) {
  const singles: Record<string, unknown>[] = [];
  for (const layer of layers) {
    onProgress?.(`layer ${layer.join(" ")}`);
    singles.push(await measureLayer(layer, threads));
  }
  const encoder: Record<string, unknown>[] = [];
  for (const batch of [8, 32]) {
    onProgress?.(`encoder, batch ${batch}`);
    encoder.push(await measureEncoder(shared, batch, threads));
  }
  return { threads, layers: singles, encoder };
}
