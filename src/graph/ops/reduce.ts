/** @file Sums, means, extremes and products over axes. */
import { type DType, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import type { OpDef } from "../op.ts";
import { equal } from "./compare.ts";
import { numeric } from "./elementwise.ts";
import { div, mul } from "./pointwise.ts";
import {
  addUp,
  folding,
  mapped,
  type ReduceAttributes,
  reducer,
  reduction,
  type Slope,
} from "./reduction.ts";
import { cast, where } from "./select.ts";
import { reshape } from "./shape.ts";
import { sizes } from "./sizes.ts";

export type { ReduceOptions } from "./reduction.ts";

/** How many elements are reduced to one: a number, or a scalar [] where a size is open while tracing. */
function elementsOf(x: Value, axes: readonly number[]): number | Value {
  const size = sizeOf(axes.map((axis) => x.shape[axis]!));
  return typeof size === "number" ? size : cast(reshape(sizes(x.graph, [size]), []), x.dtype);
}

const sumOp = reduction("sum", { onnx: "ReduceSum", of: addUp, gradient: ({ g }) => g });

/** Of no elements it is 0, as ONNX Runtime has it. */
const meanOp = reduction("mean", {
  onnx: "ReduceMean",
  of: (x, axes, keep) => {
    const size = axes.reduce((p, a) => p * x.shape[a]!, 1);
    return mapped(addUp(x, axes, keep), (v) => (size === 0 ? 0 : v / size));
  },
  gradient: ({ x, g, axes }) => {
    const size = elementsOf(x, axes);
    return typeof size === "number" ? mul(g, 1 / size) : div(g, size);
  },
});

/** Tied extremes share the gradient equally (a subgradient). */
const shared = ({ x, y, g, axes }: Slope): Value => {
  const hit = cast(equal(x, y), x.dtype);
  return mul(hit, div(g, sum(hit, axes, { keep: true })));
};
const extreme = { takes: [...numeric, "bool"] as DType[], kernels: numeric, gradient: shared };
const maxOp = reduction("max", {
  onnx: "ReduceMax",
  of: folding(Number.NEGATIVE_INFINITY, Math.max),
  ...extreme,
});
const minOp = reduction("min", {
  onnx: "ReduceMin",
  of: folding(Number.POSITIVE_INFINITY, Math.min),
  ...extreme,
});

const listed = (values: number[], ...shape: number[]) => ({ dtype: "float32" as const, shape, values });
const rows = { axes: [1], keep: false };

/** Each element's slope is the product of the others, so zeros are counted instead of divided by. */
const prodOp = reduction("prod", {
  onnx: "ReduceProd",
  of: folding(1, (a, b) => a * b),
  gradient: ({ x, g, axes }) => {
    const isZero = equal(x, 0);
    const zeros = sum(cast(isZero, x.dtype), axes, { keep: true });
    const rest = where(isZero, 1, x);
    const others = mul(g, prod(rest, axes, { keep: true }));
    const of = (n: number): Value => where(equal(zeros, n), others, 0);
    return where(isZero, of(1), div(of(0), rest));
  },
  samples: [{ inputs: [listed([1, 0, 3, 0, 2, 0, 1, -2, 3], 3, 3)], attributes: rows }],
});

/** The same for a reduction that leaves single elements as they are. */
const idle =
  (op: OpDef<ReduceAttributes>): ReturnType<typeof reducer> =>
  (x, axes, options) =>
    (axes ?? x.shape).length === 0 ? x : reducer(op)(x, axes, options);

export const sum = idle(sumOp);
export const mean = idle(meanOp);
export const max = idle(maxOp);
export const min = idle(minOp);
export const prod = idle(prodOp);

export const reduceOps = [sumOp, meanOp, maxOp, minOp, prodOp];
