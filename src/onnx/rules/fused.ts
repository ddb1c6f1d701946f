/** @file Translations of what ONNX Runtime's optimizer fuses: activations with a bias, sums with a normalisation. */
import type { Value } from "../../graph/graph.ts";
import {
  add,
  cast,
  div,
  equal,
  fill,
  gather,
  gelu,
  hardSigmoid,
  layerNorm,
  leakyRelu,
  mean,
  mul,
  normalizeRows,
  quickGelu,
  relu,
  sigmoid,
  slice,
  sqrt,
  square,
  sum,
  tanh,
} from "../../graph/ops/index.ts";
import { normalizeAxis } from "../../tensor/spec.ts";
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

/** Layer normalisation over the last axis, with the statistics that go with it. */
function normalized(node: OnnxNode, x: Value, gain: Value, bias: Value | null): readonly Value[] {
  const y = layerNorm(
    x,
    gain,
    bias ?? fill(x.graph, gain.shape, 0, gain.dtype),
    node.float("epsilon", 1e-12),
  );
  return y.node!.outputs;
}

/** x + skip + bias, normalised; the sum is an output as well. */
function skipLayerNormalization(node: OnnxNode): Result[] {
  const bias = node.optional(4);
  const both = add(node.input(0), node.input(1));
  const total = bias ? add(both, bias) : both;
  const [y, center, inverse] = normalized(node, total, node.input(2), node.optional(3));
  return [y!, center!, inverse!, total];
}

/** x·gain/√(mean of x² + ε) over all axes from `axis` on. */
function simplified(x: Value, gain: Value, epsilon: number, axis = -1): Value {
  const first = normalizeAxis(axis, x.rank, "SimplifiedLayerNormalization");
  const width = x.size(-1);
  if (first === x.rank - 1 && typeof width === "number")
    return mul(mul(normalizeRows(x, epsilon * width), Math.sqrt(width)), gain);
  const axes = x.shape.flatMap((_, a) => (a < first ? [] : [a]));
  return mul(div(x, sqrt(add(mean(square(x), axes, { keep: true }), epsilon))), gain);
}

function skipSimplified(node: OnnxNode): Result[] {
  if (node.wants(1) || node.wants(2)) node.fail("its statistics are not supported as outputs");
  const bias = node.optional(3);
  const both = add(node.input(0), node.input(1));
  const total = bias ? add(both, bias) : both;
  const y = simplified(total, node.input(2), node.float("epsilon", 1e-12));
  return [y, y, y, total];
}

function simplifiedLayerNormalization(node: OnnxNode): Result {
  return simplified(node.input(0), node.input(1), node.float("epsilon", 1e-5), node.int("axis", -1));
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
  const [y] = normalized(node, total, node.input(5), node.input(6));
  const lengths = mask
    ? sum(cast(equal(mask, 1), "int32"), [1])
    : fill(ids.graph, ids.shape.slice(0, 1), 0, "int32");
  return [y!, lengths, total];
}

export const fusedRules: Rules = {
  "com.microsoft.BiasGelu": (node) => gelu(add(node.input(0), node.input(1))),
  "com.microsoft.QuickGelu": (node) => quickGelu(node.input(0), node.float("alpha", 1.702)),
  "com.microsoft.FusedGemm": fusedGemm,
  "com.microsoft.SkipLayerNormalization": skipLayerNormalization,
  "com.microsoft.SkipSimplifiedLayerNormalization": skipSimplified,
  "com.microsoft.EmbedLayerNormalization": embedLayerNormalization,
  SimplifiedLayerNormalization: simplifiedLayerNormalization,
};
