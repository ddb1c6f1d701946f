/** @file Translations of normalisation. */
import type { Value } from "../../graph/graph.ts";
import {
  batchNorm,
  expand,
  groupNorm,
  instanceNorm,
  layerNormWithStatistics,
  rmsNorm,
} from "../../graph/ops/index.ts";
import { normalizeAxis, type Shape } from "../../tensor/spec.ts";
import type { OnnxNode, Rules } from "../node.ts";

const epsilonOf = (node: OnnxNode): number => node.float("epsilon", 1e-5);

/** The statistics are frozen: they were counted, not trained. */
function readBatchNorm(node: OnnxNode): Value {
  if (node.int("training_mode", 0) === 1 || node.outputCount > 1)
    node.fail(
      "it is in training mode, where statistics of the batch update its parameters; only inference is supported (export the network with .eval(), or freeze its statistics)",
    );
  const [x, gain, bias, mean, variance] = [0, 1, 2, 3, 4].map((i) => node.input(i)) as [
    Value,
    Value,
    Value,
    Value,
    Value,
  ];
  const { params, frozen } = node.graph;
  for (const { name } of [mean, variance]) if (name !== null && params.has(name)) frozen.add(name);
  return batchNorm(x, gain, bias, { mean, variance }, epsilonOf(node));
}

/** What is normalised together, from `axis` on; ONNX lets gain and bias broadcast to it. */
function rows(node: OnnxNode): { axis: number; shape: Shape } {
  const { rank, shape } = node.input(0);
  const axis = normalizeAxis(node.int("axis", -1), rank, "layerNorm");
  return { axis, shape: shape.slice(axis) };
}

function readLayerNorm(node: OnnxNode): Value[] {
  const { axis, shape } = rows(node);
  const bias = node.optional(2);
  const { y, center, inverse } = layerNormWithStatistics(
    node.input(0),
    expand(node.input(1), shape),
    bias && expand(bias, shape),
    { axis, epsilon: epsilonOf(node) },
  );
  return [y, center, inverse];
}

function readRmsNorm(node: OnnxNode): Value[] {
  const { axis } = rows(node);
  const { y, inverse } = rmsNorm(node.input(0), node.input(1), { axis, epsilon: epsilonOf(node) });
  return [y, inverse];
}

export const normalizeRules: Rules = {
  BatchNormalization: readBatchNorm,
  InstanceNormalization: (node) => instanceNorm(node.input(0), node.input(1), node.input(2), epsilonOf(node)),
  GroupNormalization: (node) =>
    groupNorm(node.input(0), node.input(1), node.input(2), node.int("num_groups"), epsilonOf(node)),
  LayerNormalization: readLayerNorm,
  SimplifiedLayerNormalization: readRmsNorm,
};
