/** @file Elementwise arithmetic with NumPy broadcasting. Rules return gradients of the output's shape; the engine sums them back. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, type DType, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type GradientContext, type OpDef, type Sample } from "../op.ts";
import { type Operand, pair } from "./constant.ts";

type None = Record<string, never>;
type Rule = (c: { x: Value[]; y: Value; g: Value }) => readonly (Value | null)[];

const float = (...shape: number[]) => ({ dtype: "float32" as DType, shape });
const positive = (...shape: number[]) => ({ ...float(...shape), positive: true });

function samplesFor(arity: number, domain: "any" | "positive"): Sample<None>[] {
  const make = domain === "positive" ? positive : float;
  if (arity === 1) return [{ inputs: [make(2, 3)] }, { inputs: [make()] }, { inputs: [make(1, 0)] }];
  return [
    { inputs: [float(2, 3), make(2, 3)] },
    { inputs: [float(2, 3), make(3)] },
    { inputs: [float(2, 1, 3), make(4, 1)] },
    { inputs: [float(), make(2, 2)] },
  ];
}

interface PointwiseOptions {
  readonly arity: 1 | 2;
  readonly rule: Rule;
  readonly onnx?: string;
  readonly domain?: "any" | "positive";
}

function pointwise(name: string, f: (...x: number[]) => number, options: PointwiseOptions): OpDef<None> {
  const { arity, rule, onnx = name[0]!.toUpperCase() + name.slice(1), domain = "any" } = options;
  return defineOp<None>({
    name,
    infer: (inputs) => [
      { dtype: sameType(name, inputs), shape: broadcastShapes(name, ...inputs.map((s) => s.shape)) },
    ],
    gradient: ({ inputs, outputs, cotangents }: GradientContext<None>) =>
      rule({ x: inputs as Value[], y: outputs[0]!, g: cotangents[0]! }),
    lower: (e, inputs) => e.node(onnx, inputs),
    reference: (inputs: readonly NdArray[]) => [zipWith(f, ...inputs)],
    samples: samplesFor(arity, domain),
  });
}

function sameType(name: string, inputs: readonly TensorSpec[]): DType {
  const [first] = inputs;
  const other = inputs.find((s) => s.dtype !== first!.dtype);
  if (other) {
    throw new ShapeError(
      "dtype",
      `${name}: element types differ: ${first!.dtype} and ${other.dtype} (cast one of them)`,
    );
  }
  return first!.dtype;
}

const binary =
  (op: OpDef<None>) =>
  (a: Operand, b: Operand): Value => {
    const [x, y] = pair(a, b);
    return x.graph.apply(op, [x, y], {})[0]!;
  };
const unary =
  (op: OpDef<None>) =>
  (x: Value): Value =>
    x.graph.apply(op, [x], {})[0]!;

/** Error function by its Maclaurin series for small and its continued fraction for large arguments (float64 accurate). */
export function erfOf(x: number): number {
  const a = Math.abs(x);
  if (a < 2.5) {
    let term = x;
    let total = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      total += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * total;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const addOp = pointwise("add", (a, b) => a + b, { arity: 2, rule: ({ g }) => [g, g] });
const subOp = pointwise("sub", (a, b) => a - b, { arity: 2, rule: ({ g }) => [g, neg(g)] });
const mulOp = pointwise("mul", (a, b) => a * b, {
  arity: 2,
  rule: ({ x, g }) => [mul(g, x[1]!), mul(g, x[0]!)],
});
const divOp = pointwise("div", (a, b) => a / b, {
  arity: 2,
  domain: "positive",
  rule: ({ x, y, g }) => [div(g, x[1]!), neg(div(mul(g, y), x[1]!))], // d(a/b)/db = −(a/b)/b
});
const negOp = pointwise("neg", (a) => -a, { arity: 1, rule: ({ g }) => [neg(g)] });
const expOp = pointwise("exp", Math.exp, { arity: 1, rule: ({ y, g }) => [mul(g, y)] });
const logOp = pointwise("log", Math.log, {
  arity: 1,
  domain: "positive",
  rule: ({ x, g }) => [div(g, x[0]!)],
});
const sqrtOp = pointwise("sqrt", Math.sqrt, {
  arity: 1,
  domain: "positive",
  rule: ({ y, g }) => [div(mul(g, 0.5), y)],
});
const tanhOp = pointwise("tanh", Math.tanh, { arity: 1, rule: ({ y, g }) => [mul(g, sub(1, mul(y, y)))] });
const sigmoidOp = pointwise("sigmoid", (a) => 1 / (1 + Math.exp(-a)), {
  arity: 1,
  rule: ({ y, g }) => [mul(g, mul(y, sub(1, y)))],
});
const erfOp = pointwise("erf", erfOf, {
  arity: 1,
  rule: ({ x, g }) => [mul(g, mul(exp(neg(mul(x[0]!, x[0]!))), 2 / Math.sqrt(Math.PI)))],
});

export const add = binary(addOp);
export const sub = binary(subOp);
export const mul = binary(mulOp);
export const div = binary(divOp);
export const neg = unary(negOp);
export const exp = unary(expOp);
export const log = unary(logOp);
export const sqrt = unary(sqrtOp);
export const tanh = unary(tanhOp);
export const sigmoid = unary(sigmoidOp);
export const erf = unary(erfOp);
/** x·x. */
export const square = (x: Value): Value => mul(x, x);

export const pointwiseOps = [
  addOp,
  subOp,
  mulOp,
  divOp,
  negOp,
  expOp,
  logOp,
  sqrtOp,
  tanhOp,
  sigmoidOp,
  erfOp,
];
