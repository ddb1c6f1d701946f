/** @file The image encoder under a head of genres, trained in three ways; and whether its gradient is right. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gradient } from "../src/autodiff/gradient.ts";
import type { Graph } from "../src/graph/graph.ts";
import { add, matmul, mean, mul, softplus, sub } from "../src/graph/ops/index.ts";
import { freeze, lora, trainable } from "../src/nn/adapt.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { evaluateReference, toNdArray } from "../src/runtime/reference.ts";
import { type NdArray, ndarray } from "../src/tensor/ndarray.ts";
import { stream } from "../src/tensor/random.ts";
import { count, type Dim, f32, type Tensor } from "../src/tensor/spec.ts";

/** What is trained beside the head: everything, low-rank updates of the 1×1 convolutions, or nothing. */
export type Mode = "full" | "lora" | "frozen";

export const rank = 8;
const zeros = (...shape: number[]): Tensor => ({ data: new Float32Array(count(shape)), shape });

/** Pictures [N, 3, S, S] and targets [N, G] → logits [N, G] and the mean binary cross-entropy. */
export function genreNetwork(
  shared: string,
  mode: Mode,
  genres: number,
  [batch, size]: [Dim, number],
): Graph {
  const bytes = readFileSync(join(shared, "models", "mobilenet-v1-embedding.onnx"));
  const file = readOnnx(bytes, { shapes: { input: [batch, 3, size, size] } });
  if (mode !== "full") freeze(file, "*");
  const graph = mode === "lora" ? lora(file, { rank, targets: pointwise(file) }) : file;
  const embedding = graph.value("embedding");
  graph.outputs.delete("embedding");
  const w = graph.param("head.w", f32(1024, genres), zeros(1024, genres));
  const b = graph.param("head.b", f32(genres), zeros(genres));
  const z = add(matmul(embedding, w), b);
  const targets = graph.input("targets", f32(batch, genres));
  graph.output("logits", z);
  graph.output("loss", mean(sub(softplus(z), mul(z, targets))));
  return graph;
}

const pointwise = (graph: Graph): string[] =>
  [...graph.params].flatMap(([name, { value }]) =>
    value.rank === 4 && value.size(2) === 1 && value.size(3) === 1 ? [name] : [],
  );

/** Normal noise of the scale of some values. */
function noiseLike({ data, shape }: NdArray, name: string, share: number): NdArray {
  const random = stream(0, name);
  const scale = share * (Math.sqrt(data.reduce((s, v) => s + v * v, 0) / data.length) || 0.1);
  return ndarray(shape, () => scale * random.normal());
}

const moved = (at: NdArray, by: NdArray, step: number): NdArray =>
  ndarray(at.shape, (i) => at.data[i]! + step * by.data[i]!);

/**
 * |slope of the loss by its gradient − that by differences| relative to it, along random directions of all that is trained;
 * in float64 on a small picture. The parameters are moved a little first: channels that the file leaves dead stand exactly
 * where the activation bends.
 */
export function slopeError(shared: string, mode: Mode): number {
  const graph = genreNetwork(shared, mode, 3, [1, 32]);
  const wrt = trainable(graph);
  const at: Record<string, NdArray> = {
    input: noiseLike(ndarray([1, 3, 32, 32], 1), "input", 0.5),
    targets: ndarray([1, 3], (i) => i % 2),
  };
  const directions: Record<string, NdArray> = {};
  for (const [name, { data }] of graph.params) {
    const values = toNdArray(data!);
    at[name] = moved(values, noiseLike(values, `start ${name}`, 0.01), 1);
    directions[name] = noiseLike(at[name], `direction ${name}`, 1);
  }
  const lossAt = (step: number): number => {
    const there = wrt.map((name) => [name, moved(at[name]!, directions[name]!, step)] as const);
    return evaluateReference(graph, { ...at, ...Object.fromEntries(there) }).loss!.data[0]!;
  };
  const slopes = evaluateReference(gradient(graph, { of: "loss", wrt }), at);
  const claimed = wrt.reduce(
    (total, name) => slopes[`d/${name}`]!.data.reduce((t, g, i) => t + g * directions[name]!.data[i]!, total),
    0,
  );
  const differences = (lossAt(1e-7) - lossAt(-1e-7)) / 2e-7;
  return Math.abs(claimed - differences) / Math.abs(differences);
}
