/** @file Translations of pooling. */

import type { Value } from "../../graph/graph.ts";
import { averagePool, max, maxPool, mean, type PoolOptions } from "../../graph/ops/index.ts";
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
  if (node.int("storage_order", 0) !== 0 && node.outputCount > 1)
    node.fail("its indices count columns first (storage_order 1), which is not supported");
  const { y, indices } = maxPool(node.input(0), kernel, options);
  return [y, indices];
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
