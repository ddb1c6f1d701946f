/** @file Translations of pooling. */

import type { Value } from "../../graph/graph.ts";
import {
  add,
  averagePool,
  div,
  max,
  maxPool,
  mean,
  mul,
  type PoolOptions,
  sizes,
  sub,
} from "../../graph/ops/index.ts";
import { sizeOf } from "../../tensor/dims.ts";
import type { Shape } from "../../tensor/spec.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";
import { spatialAxes, windowOptions } from "./windows.ts";

function poolOptions(node: OnnxNode): { kernel: number[]; options: PoolOptions } {
  const kernel = node.ints("kernel_shape") ?? node.fail('attribute "kernel_shape" is missing');
  if (kernel.length !== spatialAxes(node))
    node.fail(`its kernel_shape has ${kernel.length} sizes for ${spatialAxes(node)} spatial axes`);
  return { kernel, options: { ...windowOptions(node), ceil: node.int("ceil_mode", 0) === 1 } };
}

function readMaxPool(node: OnnxNode): Result[] {
  const { kernel, options } = poolOptions(node);
  const x = node.input(0);
  const { y, indices } = maxPool(x, kernel, options);
  return [y, node.int("storage_order", 0) === 1 && node.wants(1) ? columnsFirst(indices, x) : indices];
}

/** Places in x counted with the first spatial axis fastest, from places counted with the last one fastest. */
function columnsFirst(indices: Value, x: Value): Value {
  const space = x.shape.slice(2);
  const product = (dims: Shape) => sizes(x.graph, [sizeOf(dims)]);
  const image = div(indices, product(space));
  let place = mul(image, product(space));
  let rest = sub(indices, place);
  for (let axis = space.length - 1; axis >= 0; axis--) {
    const next = div(rest, product([space[axis]!]));
    const at = sub(rest, mul(next, product([space[axis]!])));
    place = add(place, mul(at, product(space.slice(0, axis))));
    rest = next;
  }
  return place;
}

function readAveragePool(node: OnnxNode): Value {
  const { kernel, options } = poolOptions(node);
  return averagePool(node.input(0), kernel, {
    ...options,
    countPads: node.int("count_include_pad", 0) === 1,
  });
}

/** A reduction over all spatial axes, which stay with size 1. */
const overSpace =
  (reduce: typeof mean) =>
  (node: OnnxNode): Value => {
    const axes = Array.from({ length: spatialAxes(node) }, (_, axis) => axis + 2);
    return reduce(node.input(0), axes, { keep: true });
  };

export const poolRules: Rules = {
  MaxPool: readMaxPool,
  AveragePool: readAveragePool,
  GlobalMaxPool: overSpace(max),
  GlobalAveragePool: overSpace(mean),
};
