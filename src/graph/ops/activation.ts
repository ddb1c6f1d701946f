/** @file Activation functions. At a kink the gradient is that of the side where the function is flat or negative. */
import { ShapeError } from "../../tensor/errors.ts";
import { zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, formatSpec, sameShape } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { abs } from "./arithmetic.ts";
import { and, greater } from "./compare.ts";
import { applied, commonType, type None, signed, unary } from "./elementwise.ts";
import { add, div, mul, sigmoid, square, sub, tanh } from "./pointwise.ts";
import { cast, where } from "./select.ts";

interface Alpha extends Record<string, unknown> {
  readonly alpha: number;
}
const emitAlpha = ({ alpha }: Alpha) => ({ alpha: { float: alpha } });
const positive = (x: Value): Value => greater(x, 0);

const reluOp = unary("relu", (x) => Math.max(x, 0), {
  takes: signed,
  gradient: ({ y, g }) => [mul(g, cast(positive(y), y.dtype))], // from y alone, so that x need not be kept
});

const leakyReluOp = unary<Alpha>("leakyRelu", (x, { alpha }) => (x < 0 ? alpha * x : x), {
  attributes: { alpha: 0.01 },
  emit: emitAlpha,
  gradient: ({ x: [x], g, a: { alpha } }) => [where(positive(x!), g, mul(g, alpha))],
});

/** The slopes broadcast to the shape of x. */
const preluOp = defineOp<None>({
  name: "prelu",
  shapes: "into-first",
  infer: ([x, slope]) => {
    const dtype = commonType("prelu", [x!, slope!], signed);
    if (!sameShape(broadcastShapes("prelu", x!.shape, slope!.shape), x!.shape))
      throw new ShapeError(
        "prelu",
        `prelu: slopes ${formatSpec(slope!)} do not broadcast to ${formatSpec(x!)}`,
      );
    return [{ dtype, shape: x!.shape }];
  },
  gradient: ({ inputs: [x, slope], cotangents: [g] }) => [
    where(positive(x!), g!, mul(g!, slope!)),
    where(positive(x!), 0, mul(g!, x!)),
  ],
  lower: (e, inputs) => e.node("PRelu", inputs),
  reference: (inputs) => [zipWith((x, slope) => (x! < 0 ? slope! * x! : x!), ...inputs)],
  samples: [
    {
      inputs: [
        { dtype: "float32", shape: [2, 3] },
        { dtype: "float32", shape: [3] },
      ],
    },
    {
      inputs: [
        { dtype: "float32", shape: [2, 3, 4] },
        { dtype: "float32", shape: [3, 1] },
      ],
    },
    {
      inputs: [
        { dtype: "float64", shape: [5] },
        { dtype: "float64", shape: [] },
      ],
    },
  ],
});

const eluOp = unary<Alpha>("elu", (x, { alpha }) => (x < 0 ? alpha * Math.expm1(x) : x), {
  attributes: { alpha: 1.5 },
  emit: emitAlpha,
  gradient: ({ x: [x], y, g, a: { alpha } }) => [where(positive(x!), g, mul(g, add(y, alpha)))],
});

const celuOp = unary<Alpha>("celu", (x, { alpha }) => (x < 0 ? alpha * Math.expm1(x / alpha) : x), {
  kernels: ["float32"],
  attributes: { alpha: 1.5 },
  emit: emitAlpha,
  gradient: ({ x: [x], y, g, a: { alpha } }) => [where(positive(x!), g, mul(g, add(mul(y, 1 / alpha), 1)))],
});

interface SeluAttributes extends Alpha {
  readonly gamma: number;
}
const seluOp = unary<SeluAttributes>(
  "selu",
  (x, { alpha, gamma }) => gamma * (x < 0 ? alpha * Math.expm1(x) : x),
  {
    attributes: { alpha: 1.67326, gamma: 1.0507 },
    emit: ({ alpha, gamma }) => ({ alpha: { float: alpha }, gamma: { float: gamma } }),
    gradient: ({ x: [x], y, g, a: { alpha, gamma } }) => [
      mul(g, where(positive(x!), gamma, add(y, alpha * gamma))),
    ],
  },
);

const thresholdedReluOp = unary<Alpha>("thresholdedRelu", (x, { alpha }) => (x > alpha ? x : 0), {
  attributes: { alpha: 0.4 },
  emit: emitAlpha,
  gradient: ({ x: [x], g, a: { alpha } }) => [where(greater(x!, alpha), g, 0)],
});

/** log(1 + eˣ), without overflow. */
const softplusOf = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const softplusOp = unary("softplus", softplusOf, { gradient: ({ x, g }) => [mul(g, sigmoid(x[0]!))] });

const softsignOp = unary("softsign", (x) => x / (1 + Math.abs(x)), {
  gradient: ({ x, g }) => [div(g, square(add(abs(x[0]!), 1)))],
});

interface HardSigmoidAttributes extends Alpha {
  readonly beta: number;
}
const hardSigmoidOp = unary<HardSigmoidAttributes>(
  "hardSigmoid",
  (x, { alpha, beta }) => Math.min(1, Math.max(0, alpha * x + beta)),
  {
    attributes: { alpha: 0.6, beta: 0.4 },
    emit: ({ alpha, beta }) => ({ alpha: { float: alpha }, beta: { float: beta } }),
    gradient: ({ y, g, a: { alpha } }) => [where(and(positive(y), greater(1, y)), mul(g, alpha), 0)],
  },
);

const hardSwishOp = unary("hardSwish", (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)), {
  gradient: ({ x: [x], g }) => {
    const bent = where(greater(x!, -3), add(mul(x!, 1 / 3), 0.5), 0);
    return [mul(g, where(greater(x!, 3), 1, bent))];
  },
  samples: [{ inputs: [{ dtype: "float32", shape: [6], values: [-4, -3.5, -1, 0, 2.5, 4] }] }],
});

const mishOp = unary("mish", (x) => x * Math.tanh(softplusOf(x)), {
  gradient: ({ x: [x], g }) => {
    const t = tanh(softplus(x!));
    return [mul(g, add(t, mul(mul(x!, sigmoid(x!)), sub(1, square(t)))))];
  },
});

export const relu = applied(reluOp);
export const leakyRelu = (x: Value, alpha = 0.01): Value => x.graph.apply(leakyReluOp, [x], { alpha })[0]!;
export const prelu = (x: Value, slope: Value): Value => x.graph.apply(preluOp, [x, slope], {})[0]!;
export const elu = (x: Value, alpha = 1): Value => x.graph.apply(eluOp, [x], { alpha })[0]!;
export const celu = (x: Value, alpha = 1): Value => x.graph.apply(celuOp, [x], { alpha })[0]!;
/** γ·x above 0, γ·α·(eˣ − 1) below; Klambauer et al. 2017, arXiv:1706.02515. */
export const selu = (x: Value, { alpha, gamma }: { alpha: number; gamma: number }): Value =>
  x.graph.apply(seluOp, [x], { alpha, gamma })[0]!;
/** x above α, else 0. */
export const thresholdedRelu = (x: Value, alpha = 1): Value =>
  x.graph.apply(thresholdedReluOp, [x], { alpha })[0]!;
/** log(1 + eˣ). */
export const softplus = applied(softplusOp);
/** x / (1 + |x|). */
export const softsign = applied(softsignOp);
/** α·x + β, held between 0 and 1. */
export const hardSigmoid = (x: Value, { alpha = 0.2, beta = 0.5 } = {}): Value =>
  x.graph.apply(hardSigmoidOp, [x], { alpha, beta })[0]!;
/** x·(x/6 + 1/2), the factor held between 0 and 1; Howard et al. 2019, arXiv:1905.02244. */
export const hardSwish = applied(hardSwishOp);
/** x·tanh(softplus(x)); Misra 2019, arXiv:1908.08681. */
export const mish = applied(mishOp);

export const activationOps = [
  reluOp,
  leakyReluOp,
  preluOp,
  eluOp,
  celuOp,
  seluOp,
  thresholdedReluOp,
  softplusOp,
  softsignOp,
  hardSigmoidOp,
  hardSwishOp,
  mishOp,
];
