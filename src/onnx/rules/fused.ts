/** @file Translations of what ONNX Runtime's optimizer fuses: activations with a bias, sums with a normalisation. */
import type { Value } from "../../graph/graph.ts";
import {
  add,
  cast,
  equal,
  fill,
  gather,
  gelu,
  hardSigmoid,
  layerNorm,
  layerNormWithStatistics,
  leakyRelu,
  quickGelu,
  relu,
  rmsNorm,
  sigmoid,
  slice,
  sum,
  tanh,
} from "../../graph/ops/index.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";
import { gemm } from "./products.ts";

function fusedGemm(node: OnnxNode): Value {
  const y = gemm(node);
  const name = node.string("activation", "");
  const alpha = (otherwise: number): number => node.float("activation_alpha", otherwise);
  switch (name) {
    case "":
      return y;
    case "Relu":
      return relu(y);
    case "Tanh":
      return tanh(y);
    case "Sigmoid":
      return sigmoid(y);
    case "LeakyRelu":
      return leakyRelu(y, alpha(0.01));
    case "HardSigmoid":
      return hardSigmoid(y, { alpha: alpha(0.2), beta: node.float("activation_beta", 0.5) });
    default:
      return node.fail(`its activation "${name}" is not supported`);
  }
}

/** The first two inputs and a bias, which later layers may want as well. */
function skipSum(node: OnnxNode, bias: Value | null): Value {
  const both = add(node.input(0), node.input(1));
  return bias ? add(both, bias) : both;
}

function skipLayerNormalization(node: OnnxNode): Result[] {
  const total = skipSum(node, node.optional(4));
  const options = { epsilon: node.float("epsilon", 1e-12) };
  const { y, center, inverse } = layerNormWithStatistics(total, node.input(2), node.optional(3), options);
  return [y, center, inverse, total];
}

function skipRootMeanSquare(node: OnnxNode): Result[] {
  if (node.wants(1)) node.fail("there is no mean that it could have as an output");
  const total = skipSum(node, node.optional(3));
  const { y, inverse } = rmsNorm(total, node.input(2), { epsilon: node.float("epsilon", 1e-12) });
  return [y, total, inverse, total];
}

/** The sum of word, position and segment embeddings, normalised; and how many places of each row the mask leaves. */
function embedLayerNormalization(node: OnnxNode): Result[] {
  const [ids, segments, mask, positions] = [
    node.input(0),
    node.optional(1),
    node.optional(7),
    node.optional(8),
  ];
  const words = gather(node.input(2), ids);
  const places = positions ? gather(node.input(3), positions) : slice(node.input(3), 0, 0, ids.size(1));
  const both = add(words, places);
  const total = segments ? add(both, gather(node.input(4), segments)) : both;
  const y = layerNorm(total, node.input(5), node.input(6), node.float("epsilon", 1e-12));
  const lengths = mask
    ? sum(cast(equal(mask, 1), "int32"), [1])
    : fill(ids.graph, ids.shape.slice(0, 1), 0, "int32");
  return [y, lengths, total];
}

export const fusedRules: Rules = {
  "com.microsoft.BiasGelu": (node) => gelu(add(node.input(0), node.input(1))),
  "com.microsoft.QuickGelu": (node) => quickGelu(node.input(0), node.float("alpha", 1.702)),
  "com.microsoft.FusedGemm": fusedGemm,
  "com.microsoft.SkipLayerNormalization": skipLayerNormalization,
  "com.microsoft.SkipSimplifiedLayerNormalization": skipRootMeanSquare,
  "com.microsoft.EmbedLayerNormalization": embedLayerNormalization,
};
