/** @file Translations of comparisons, logic, selection and casts, and of what training alone would do. */
import type { Value } from "../../graph/graph.ts";
import {
  and,
  cast,
  equal,
  fill,
  greater,
  greaterOrEqual,
  isInf,
  isNotNumber,
  less,
  lessOrEqual,
  not,
  or,
  where,
  xor,
} from "../../graph/ops/index.ts";
import type { OnnxNode, Rules } from "../node.ts";
import { elementTypes } from "../tensor.ts";
import { binary, unary } from "./pointwise.ts";

function castTo(node: OnnxNode): Value {
  const to = elementTypes.get(node.int("to"));
  return cast(node.input(0), to ?? node.fail(`element type ${node.int("to")} is not supported`));
}

function infinite(node: OnnxNode): Value {
  const x = node.input(0);
  const [positive, negative] = [node.int("detect_positive", 1), node.int("detect_negative", 1)];
  if (positive === 0 && negative === 0) return fill(node.graph, x.shape, 0, "bool");
  return isInf(x, positive === 0 ? "negative" : negative === 0 ? "positive" : "both");
}

/** Outside of training nothing is dropped. */
function dropout(node: OnnxNode): readonly Value[] {
  const x = node.input(0);
  if (node.has(2) && node.numbers(2, "training_mode")[0] !== 0)
    node.fail("its training mode is not supported; export the model for inference");
  return node.wants(1) ? [x, fill(node.graph, x.shape, 1, "bool")] : [x];
}

export const logicRules: Rules = {
  Equal: binary(equal),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterOrEqual),
  Less: binary(less),
  LessOrEqual: binary(lessOrEqual),
  And: binary(and),
  Or: binary(or),
  Xor: binary(xor),
  Not: unary(not),
  IsNaN: unary(isNotNumber),
  IsInf: infinite,
  Where: (node) => where(node.input(0), node.input(1), node.input(2)),
  Cast: castTo,
  CastLike: (node) => cast(node.input(0), node.input(1).dtype),
  Dropout: dropout,
};
