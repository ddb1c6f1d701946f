/** @file Translations of elementwise arithmetic. */
import { Value } from "../../graph/graph.ts";
import {
  abs,
  acos,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  clip,
  cos,
  cosh,
  div,
  erf,
  exp,
  floor,
  log,
  maximum,
  minimum,
  mod,
  mul,
  neg,
  type Operand,
  pow,
  round,
  sign,
  sin,
  sinh,
  sqrt,
  sub,
  tan,
  tanh,
} from "../../graph/ops/index.ts";
import { isFloat } from "../../tensor/spec.ts";
import type { OnnxNode, Rule, Rules } from "../node.ts";

export const unary =
  (f: (x: Value) => Value): Rule =>
  (node) =>
    f(node.input(0));
export const binary =
  (f: (a: Value, b: Value) => Value): Rule =>
  (node) =>
    f(node.input(0), node.input(1));

/** Any number of operands, which broadcast; one passes as it is. */
const variadic =
  (f: (a: Value, b: Value) => Value): Rule =>
  (node) =>
    node.inputCount > 0 ? node.inputs().reduce(f) : node.fail("it has no inputs");
const total = variadic(add);

function mean(node: OnnxNode): Value {
  const sum = total(node) as Value;
  return node.inputCount === 1 ? sum : div(sum, node.inputCount);
}

/** An exponent that is one constant number is not an operand; a parameter stays one. */
function power(node: OnnxNode): Value {
  const x = node.input(0);
  const [exponent] = node.slots[1]?.trainable ? [] : (node.known(1)?.values ?? []);
  const single = node.known(1)?.values.length === 1 && node.known(1)!.shape.length <= x.rank;
  if (!single || typeof exponent !== "number") return pow(x, node.input(1));
  return exponent === 0.5 && isFloat(x.dtype) ? sqrt(x) : pow(x, exponent);
}

function remainder(node: OnnxNode): Value {
  const [a, b] = [node.input(0), node.input(1)];
  const like = node.int("fmod", 0) === 1 ? "dividend" : "divisor";
  if (like === "divisor" && isFloat(a.dtype)) node.fail("its fmod must be 1 for floats");
  return mod(a, b, like);
}

/** Bounds that are known are no operands, nor parameters where they are stored as such. */
function clipped(node: OnnxNode): Value {
  const x = node.input(0);
  const [low, high] = [1, 2].map((i) => {
    const bound = node.known(i)?.values[0];
    return typeof bound === "number" ? bound : node.optional(i);
  }) as [Operand | null, Operand | null];
  if (!(low instanceof Value || high instanceof Value)) return clip(x, { low, high });
  const raised = low === null ? x : maximum(x, low);
  return high === null ? raised : minimum(raised, high);
}

export const pointwiseRules: Rules = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Mod: remainder,
  Pow: power,
  Neg: unary(neg),
  Abs: unary(abs),
  Sign: unary(sign),
  Sqrt: unary(sqrt),
  Exp: unary(exp),
  Log: unary(log),
  Erf: unary(erf),
  Reciprocal: unary((x) => div(1, x)),
  Floor: unary(floor),
  Ceil: unary(ceil),
  Round: unary(round),
  Min: variadic(minimum),
  Max: variadic(maximum),
  Sum: total,
  Mean: mean,
  Clip: clipped,
  Sin: unary(sin),
  Cos: unary(cos),
  Tan: unary(tan),
  Asin: unary(asin),
  Acos: unary(acos),
  Atan: unary(atan),
  Sinh: unary(sinh),
  Cosh: unary(cosh),
  Tanh: unary(tanh),
  Asinh: unary(asinh),
  Acosh: unary(acosh),
  Atanh: unary(atanh),
};
