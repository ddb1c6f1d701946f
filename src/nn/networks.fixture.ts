/** @file Networks to adapt, for tests. */
import { Graph, type Value } from "../graph/graph.ts";
import {
  add,
  conv,
  convTranspose,
  crossEntropy,
  gather,
  matmul,
  mean,
  mul,
  relu,
  reshape,
  transpose,
} from "../graph/ops/index.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { count, f32, i32, numbers, type Tensor } from "../tensor/spec.ts";

export const noise = (name: string, shape: readonly number[]): Tensor => ({
  data: stream(3, name).fillNormal(new Float32Array(count(shape)), 0.5),
  shape,
});

/** A network with weights used in every way, and a table that is also the head. */
export function network(): Graph {
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

/** Convolutions of all kinds, in the order of MobileNet's: plain, depthwise, of one point; and one back to a picture. */
export function pictures(): Graph {
  const graph = new Graph();
  const weight = (name: string, ...shape: number[]): Value =>
    graph.param(name, f32(...shape), noise(name, shape));
  let x = graph.input("picture", f32(2, 3, 6, 5));
  x = relu(
    conv(x, weight("plain", 4, 3, 3, 3), { strides: [2, 1], pads: [1, 1, 1, 1], bias: weight("bias", 4) }),
  );
  x = relu(conv(x, weight("depth", 4, 1, 3, 3), { groups: 4, pads: [1, 1, 1, 1] }));
  const point = conv(x, weight("point", 5, 4, 1, 1));
  const back = convTranspose(point, weight("back", 5, 2, 2, 2), { strides: [2, 2] });
  graph.output("h", back);
  graph.output("loss", mean(mul(back, back)));
  return graph;
}

const data: Record<string, NdArray> = {
  picture: ndarray([2, 3, 6, 5], (i) => Math.sin(i)),
  ids: { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 1) },
  target: { shape: [6], data: Float64Array.of(2, 3, 1, 5, 1, 6) },
};

export function feedsOf(graph: Graph): Record<string, NdArray> {
  const stored = [...graph.params].map(([name, { data: tensor }]) => [
    name,
    { data: numbers(tensor!.data), shape: tensor!.shape },
  ]);
  const given = Object.entries(data).filter(([name]) => graph.inputs.has(name));
  return Object.fromEntries([...given, ...stored]);
}

export const run = (graph: Graph) => evaluateReference(graph, feedsOf(graph), { B: 2 });

/** New values for the parameters that were added. */
export function disturb(graph: Graph): Graph {
  for (const [name, param] of graph.params)
    if (/\.(lora|adapter)\./.test(name)) param.data = noise(name, param.value.shape as number[]);
  return graph;
}
