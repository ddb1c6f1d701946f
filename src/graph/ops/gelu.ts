/** @file x times the share of a standard normal distribution below x, exact and approximate; Hendrycks & Gimpel 2016, arXiv:1606.08415. */
import type { Value } from "../graph.ts";
import { applied, unary } from "./elementwise.ts";
import { add, erf, erfOf, exp, mul, sigmoid, square, sub, tanh } from "./pointwise.ts";

// The standard operator is newer than the version of the operator set that is written.
const domain = "com.microsoft";

const geluOp = unary("gelu", (x) => (x / 2) * (1 + erfOf(x / Math.SQRT2)), {
  domain,
  kernels: ["float32"],
  gradient: ({ x: [x], g }) => {
    const share = mul(add(erf(mul(x!, Math.SQRT1_2)), 1), 0.5);
    const density = mul(exp(mul(square(x!), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(g, add(share, mul(x!, density)))];
  },
});

/** The share is taken as (1 + tanh(s·(x + c·x³)))/2. */
const s = Math.sqrt(2 / Math.PI);
const c = 0.044715;

const geluTanhOp = unary("geluTanh", (x) => (x / 2) * (1 + Math.tanh(s * (x + c * x ** 3))), {
  domain,
  onnx: "FastGelu",
  leastRank: 1,
  gradient: ({ x: [x], g }) => {
    const squared = square(x!);
    const t = tanh(mul(x!, add(mul(squared, s * c), s)));
    const slope = mul(x!, add(mul(squared, 3 * s * c), s)); // x times the derivative of what t is taken of
    return [mul(g, mul(add(add(t, 1), mul(slope, sub(1, square(t)))), 0.5))];
  },
});

const quickGeluOp = unary<{ readonly alpha: number }>(
  "quickGelu",
  (x, { alpha }) => x / (1 + Math.exp(-alpha * x)),
  {
    domain,
    kernels: ["float32"],
    attributes: { alpha: 1.702 },
    emit: ({ alpha }) => ({ alpha: { float: alpha } }),
    gradient: ({ x: [x], y, g, a: { alpha } }) => {
      const share = sigmoid(mul(x!, alpha));
      return [mul(g, add(share, mul(mul(y, sub(1, share)), alpha)))];
    },
  },
);

export const gelu = applied(geluOp);
/** The approximation of `gelu` by a hyperbolic tangent. */
export const geluTanh = applied(geluTanhOp);

/** x·σ(αx); with α = 1 it is called SiLU (Ramachandran et al. 2017, arXiv:1710.05941). */
export const quickGelu = (x: Value, alpha = 1.702): Value => x.graph.apply(quickGeluOp, [x], { alpha })[0]!;

export const geluOps = [geluOp, geluTanhOp, quickGeluOp];
