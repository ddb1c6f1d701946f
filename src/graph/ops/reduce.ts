/** @file Sums, means and maxima over axes. */
import { reduce as fold } from "../../tensor/ndarray.ts";
import { normalizeAxis, type Shape, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter, type Sample } from "../op.ts";
import { cast, equal } from "./compare.ts";
import { fill } from "./constant.ts";
import { div, mul } from "./pointwise.ts";
import { expand, reshape } from "./shape.ts";

interface ReduceAttributes extends Record<string, unknown> {
  readonly axes: readonly number[];
  readonly keep: boolean;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const samples: Sample<ReduceAttributes>[] = [
  { inputs: [f(2, 3)], attributes: { axes: [1], keep: false } },
  { inputs: [f(2, 3, 4)], attributes: { axes: [0, 2], keep: true } },
  { inputs: [f(3, 2)], attributes: { axes: [0, 1], keep: false } },
];

const kept = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((d, a) => (axes.includes(a) ? 1 : d));

const infer = ([x]: readonly TensorSpec[], { axes, keep }: ReduceAttributes): TensorSpec[] => [
  { dtype: x!.dtype, shape: keep ? kept(x!.shape, axes) : x!.shape.filter((_, a) => !axes.includes(a)) },
];

const lowerAs =
  (type: string) =>
  (e: Emitter, [x]: readonly string[], { axes, keep }: ReduceAttributes): string[] =>
    e.node(type, [x!, e.constant("int64", [axes.length], axes)], { attributes: { keepdims: keep ? 1 : 0 } });

/** A gradient of reduced shape, repeated over the reduced axes. */
const spread = (g: Value, x: Value, axes: readonly number[]): Value =>
  expand(reshape(g, kept(x.shape, axes)), x.shape);

/** How many elements are reduced to one: a number, or a scalar [] that is counted where a size is open while tracing. */
function elementsOf(x: Value, axes: readonly number[]): number | Value {
  const sizes = axes.map((a) => x.shape[a]!);
  if (sizes.every((d) => typeof d === "number")) return sizes.reduce((p, d) => p * d, 1);
  return cast(sum(fill(x.graph, sizes, 1)), x.dtype);
}

const sumOp = defineOp<ReduceAttributes>({
  name: "sum",
  infer,
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axes } }) => [spread(g!, x!, axes)],
  lower: lowerAs("ReduceSum"),
  reference: ([x], { axes, keep }) => [fold(x!, axes, keep, 0, (a, b) => a + b)],
  samples,
});

const meanOp = defineOp<ReduceAttributes>({
  name: "mean",
  infer,
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axes } }) => {
    const size = elementsOf(x!, axes);
    return [spread(typeof size === "number" ? mul(g!, 1 / size) : div(g!, size), x!, axes)];
  },
  lower: lowerAs("ReduceMean"),
  reference: ([x], { axes, keep }) => {
    const size = axes.reduce((p, a) => p * x!.shape[a]!, 1);
    const total = fold(x!, axes, keep, 0, (a, b) => a + b);
    return [{ data: total.data.map((v) => v / size), shape: total.shape }];
  },
  samples,
});

const maxOp = defineOp<ReduceAttributes>({
  name: "max",
  infer,
  // Tied maxima share the gradient equally (a subgradient).
  gradient: ({ inputs: [x], outputs: [y], cotangents: [g], attributes: { axes } }) => {
    const hit = cast(equal(x!, spread(y!, x!, axes)), x!.dtype);
    const ties = sum(hit, axes, { keep: true });
    return [mul(hit, spread(div(reshape(g!, ties.shape), ties), x!, axes))];
  },
  lower: lowerAs("ReduceMax"),
  reference: ([x], { axes, keep }) => [fold(x!, axes, keep, Number.NEGATIVE_INFINITY, Math.max)],
  samples,
});

interface ReduceOptions {
  readonly keep?: boolean;
}
const reducer =
  (op: typeof sumOp) =>
  (
    x: Value,
    axes: readonly number[] = x.shape.map((_, a) => a),
    { keep = false }: ReduceOptions = {},
  ): Value => {
    const distinct = new Set(axes.map((a) => normalizeAxis(a, x.rank, op.name)));
    const sorted = [...distinct].sort((a, b) => a - b);
    if (sorted.length === 0) return x; // for ONNX no axes mean all
    return x.graph.apply(op, [x], { axes: sorted, keep })[0]!;
  };

export const sum = reducer(sumOp);
export const mean = reducer(meanOp);
export const max = reducer(maxOp);
export const reduceOps = [sumOp, meanOp, maxOp];
