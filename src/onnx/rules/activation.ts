/** @file Translations of activation functions. */

import type { Value } from "../../graph/graph.ts";
import {
  add,
  celu,
  elu,
  gelu,
  geluTanh,
  greater,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  less,
  mish,
  prelu,
  relu,
  selu,
  sigmoid,
  softplus,
  softsign,
  sub,
  thresholdedRelu,
  where,
} from "../../graph/ops/index.ts";
import type { OnnxNode, Rule, Rules } from "../node.ts";
import { binary, unary } from "./pointwise.ts";

const withAlpha =
  (f: (x: Value, alpha: number) => Value, alpha: number): Rule =>
  (node) =>
    f(node.input(0), node.float("alpha", alpha));

function geluOf(node: OnnxNode): Value {
  const form = node.string("approximate", "none");
  if (form === "none") return gelu(node.input(0));
  return form === "tanh" ? geluTanh(node.input(0)) : node.fail(`its approximation "${form}" is not known`);
}

/** Towards 0 by `bias` outside of ±`lambd`, 0 inside. */
function shrink(node: OnnxNode): Value {
  const x = node.input(0);
  const [edge, bias] = [node.float("lambd", 0.5), node.float("bias", 0)];
  return where(greater(x, edge), sub(x, bias), where(less(x, -edge), add(x, bias), 0));
}

export const activationRules: Rules = {
  Relu: unary(relu),
  LeakyRelu: withAlpha(leakyRelu, 0.01),
  PRelu: binary(prelu),
  Elu: withAlpha(elu, 1),
  Selu: (node) =>
    selu(node.input(0), {
      alpha: node.float("alpha", 1.6732631921768188),
      gamma: node.float("gamma", 1.0507010221481323),
    }),
  Celu: withAlpha(celu, 1),
  ThresholdedRelu: withAlpha(thresholdedRelu, 1),
  Sigmoid: unary(sigmoid),
  HardSigmoid: (node) =>
    hardSigmoid(node.input(0), { alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5) }),
  HardSwish: unary(hardSwish),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  Mish: unary(mish),
  Gelu: geluOf,
  "com.microsoft.Gelu": unary(gelu),
  "com.microsoft.FastGelu": (node) =>
    geluTanh(node.has(1) ? add(node.input(0), node.input(1)) : node.input(0)),
  Shrink: shrink,
};
