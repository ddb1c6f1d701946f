/** @file Elementwise extremes and bounds. */
import type { DType } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type SampleInput } from "../op.ts";
import { and, equal, greater } from "./compare.ts";
import { binary, numeric, pairwise, unary } from "./elementwise.ts";
import { mul, sub } from "./pointwise.ts";
import { cast, where } from "./select.ts";

const listed = (...values: number[]): SampleInput => ({ dtype: "float32", shape: [values.length], values });

/** Where both are equal they share the gradient, as central differences do. */
const extreme = (name: string, onnx: string, f: (a: number, b: number) => number) =>
  binary(name, f, {
    onnx,
    takes: numeric,
    gradient: ({ x: [a, b], y, g }) => {
      const first = where(equal(a!, b!), mul(g, 0.5), where(equal(a!, y), g, 0));
      return [first, sub(g, first)];
    },
    samples: [{ inputs: [listed(1, -2, 3, 0), listed(1, 2, -3, 0)] }],
  });
const maximumOp = extreme("maximum", "Max", (a, b) => Math.max(a, b));
const minimumOp = extreme("minimum", "Min", (a, b) => Math.min(a, b));

interface ClipAttributes extends Record<string, unknown> {
  readonly low: number | null;
  readonly high: number | null;
}
const random = (dtype: DType, ...shape: number[]): SampleInput => ({ dtype, shape, high: 4 });
const sides: ClipAttributes[] = [
  { low: -0.5, high: 0.75 },
  { low: null, high: 0.25 },
  { low: 0.25, high: null },
  { low: null, high: null },
];

/**
 * The gradient passes inside the bounds; at a bound it is that of the flat side. It is computed from y alone, so that x
 * need not be kept and ONNX Runtime can join the operator to the convolution before it.
 */
const clipOp = defineOp<ClipAttributes>({
  ...unary<ClipAttributes>(
    "clip",
    (x, { low, high }) =>
      Math.min(Math.max(x, low ?? Number.NEGATIVE_INFINITY), high ?? Number.POSITIVE_INFINITY),
    {
      takes: numeric,
      gradient: ({ y, g, a: { low, high } }) => {
        const above = low === null ? [] : [greater(y, low)];
        const below = high === null ? [] : [greater(high, y)];
        const inside = [...above, ...below];
        return [inside.length === 0 ? g : mul(g, cast(inside.reduce(and), g.dtype))];
      },
    },
  ),
  lower: (e, [x], { low, high }, node) => {
    const { dtype } = node.inputs[0]!;
    const bound = (v: number | null): string => (v === null ? "" : e.constant(dtype, [], [v]));
    return e.node("Clip", [x!, bound(low), bound(high)]);
  },
  samples: [
    ...sides.map((attributes) => ({ inputs: [random("float32", 2, 3)], attributes })),
    { inputs: [listed(-3, 0, 3)], attributes: { low: 2, high: 1 } },
    ...(["float64", "int32", "int64", "uint8"] as const).map((dtype) => ({
      inputs: [random(dtype, 2, 3)],
      attributes: { low: 1, high: 2 },
    })),
  ],
});

export const maximum = pairwise(maximumOp);
export const minimum = pairwise(minimumOp);

export interface ClipOptions {
  readonly low?: number | null;
  readonly high?: number | null;
}
/** Elements below `low` become `low`, those above `high` become `high`. */
export const clip = (x: Value, { low = null, high = null }: ClipOptions): Value =>
  x.graph.apply(clipOp, [x], { low, high })[0]!;

export const extremeOps = [maximumOp, minimumOp, clipOp];
