/** @file Translations of elementwise operators. */
import type { Value } from "../../graph/graph.ts";
import { add, div, erf, exp, log, mul, neg, relu, sigmoid, sqrt, sub, tanh } from "../../graph/ops/index.ts";
import type { Rule, Rules } from "../node.ts";

const unary =
  (f: (x: Value) => Value): Rule =>
  (node) =>
    f(node.input(0));
const binary =
  (f: (a: Value, b: Value) => Value): Rule =>
  (node) =>
    f(node.input(0), node.input(1));

export const pointwiseRules: Rules = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(div),
  Neg: unary(neg),
  Sqrt: unary(sqrt),
  Exp: unary(exp),
  Log: unary(log),
  Erf: unary(erf),
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Tanh: unary(tanh),
};
