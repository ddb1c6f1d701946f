/** @file Basic arithmetic with NumPy broadcasting. Rules return gradients of the output's shape; the engine sums them back. */
import type { Value } from "../graph.ts";
import { applied, binary, numeric, pairwise, signed, unary } from "./elementwise.ts";

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

const positive = { positive: true };

const addOp = binary("add", (a, b) => a + b, { takes: numeric, gradient: ({ g }) => [g, g] });
const subOp = binary("sub", (a, b) => a - b, {
  takes: numeric,
  gradient: ({ g, needs }) => [g, needs[1] ? neg(g) : null],
});
const mulOp = binary("mul", (a, b) => a * b, {
  takes: numeric,
  gradient: ({ x, g }) => [mul(g, x[1]!), mul(g, x[0]!)],
});
/** Of integers the quotient towards zero. */
const divOp = binary("div", (a, b) => a / b, {
  takes: numeric,
  draw: positive,
  gradient: ({ x, y, g }) => [div(g, x[1]!), neg(div(mul(g, y), x[1]!))], // d(a/b)/db = −(a/b)/b
});
const negOp = unary("neg", (a) => -a, { takes: signed, gradient: ({ g }) => [neg(g)] });
const expOp = unary("exp", Math.exp, { gradient: ({ y, g }) => [mul(g, y)] });
const logOp = unary("log", Math.log, { draw: positive, gradient: ({ x, g }) => [div(g, x[0]!)] });
const sqrtOp = unary("sqrt", Math.sqrt, { draw: positive, gradient: ({ y, g }) => [div(mul(g, 0.5), y)] });
const tanhOp = unary("tanh", Math.tanh, { gradient: ({ y, g }) => [mul(g, sub(1, mul(y, y)))] });
const sigmoidOp = unary("sigmoid", (a) => 1 / (1 + Math.exp(-a)), {
  gradient: ({ y, g }) => [mul(g, mul(y, sub(1, y)))],
});
const erfOp = unary("erf", erfOf, {
  kernels: ["float32"],
  gradient: ({ x, g }) => [mul(g, mul(exp(neg(mul(x[0]!, x[0]!))), 2 / Math.sqrt(Math.PI)))],
});

export const add = pairwise(addOp);
export const sub = pairwise(subOp);
export const mul = pairwise(mulOp);
export const div = pairwise(divOp);
export const neg = applied(negOp);
export const exp = applied(expOp);
export const log = applied(logOp);
export const sqrt = applied(sqrtOp);
export const tanh = applied(tanhOp);
export const sigmoid = applied(sigmoidOp);
export const erf = applied(erfOp);
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
