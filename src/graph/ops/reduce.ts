/** @file Reductions over axes. */
import { reduce as fold, type NdArray } from "../../tensor/ndarray.ts";
import { type DType, normalizeAxis, type Shape } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type OpDef, type Sample, type SampleInput } from "../op.ts";
import { equal } from "./compare.ts";
import { fill } from "./constant.ts";
import { commonType, inKernelType, numeric, signed } from "./elementwise.ts";
import { div, mul } from "./pointwise.ts";
import { cast, where } from "./select.ts";
import { expand, reshape } from "./shape.ts";

export interface ReduceAttributes extends Record<string, unknown> {
  /** Which axes, in ascending order; none leaves every element for itself. */
  readonly axes: readonly number[];
  readonly keep: boolean;
}

/** What a gradient rule of a reduction sees; y and g have size 1 on the reduced axes. */
interface Slope {
  readonly x: Value;
  readonly y: Value;
  readonly g: Value;
  readonly axes: readonly number[];
}

interface Reduction {
  readonly onnx: string;
  /** The float64 meaning. */
  readonly of: (x: NdArray, axes: readonly number[], keep: boolean) => NdArray;
  /** The gradient of x; it may still have to be repeated over the reduced axes. */
  readonly gradient: (slope: Slope) => Value;
  readonly takes?: readonly DType[];
  readonly kernels?: readonly DType[];
  /** How random samples are drawn. */
  readonly draw?: Pick<SampleInput, "positive">;
  readonly samples?: readonly Sample<ReduceAttributes>[];
}

function samplesFor(takes: readonly DType[], draw: Reduction["draw"] = {}): Sample<ReduceAttributes>[] {
  const sample = (shape: number[], axes: number[], keep: boolean, dtype: DType = "float32") => ({
    inputs: [{ dtype, shape, high: 5, ...draw }],
    attributes: { axes, keep },
  });
  return [
    sample([2, 3], [1], false),
    sample([2, 3, 4], [0, 2], true),
    sample([3, 2], [0, 1], false),
    sample([2, 3], [], true),
    sample([2, 0, 3], [1], false),
    ...takes.filter((dtype) => dtype !== "float32").map((dtype) => sample([3, 2], [0], false, dtype)),
  ];
}

const kept = (shape: Shape, axes: readonly number[]): Shape =>
  shape.map((d, a) => (axes.includes(a) ? 1 : d));

export function reduction(name: string, options: Reduction): OpDef<ReduceAttributes> {
  const { onnx, of, gradient, takes = signed, kernels = takes } = options;
  return defineOp<ReduceAttributes>({
    name,
    shapes: "axes",
    infer: ([x], { axes, keep }) => [
      {
        dtype: commonType(name, [x!], takes),
        shape: keep ? kept(x!.shape, axes) : x!.shape.filter((_, a) => !axes.includes(a)),
      },
    ],
    gradient: ({ inputs: [x], outputs: [y], cotangents: [g], attributes: { axes } }) => {
      const shape = kept(x!.shape, axes);
      const slope = gradient({ x: x!, y: reshape(y!, shape), g: reshape(g!, shape), axes });
      return [expand(slope, x!.shape)];
    },
    lower: (e, inputs, { axes, keep }, node) => {
      const { dtype } = node.inputs[0]!;
      const attributes = {
        keepdims: keep ? 1 : 0,
        ...(axes.length === 0 ? { noop_with_empty_axes: 1 } : {}),
      };
      return inKernelType(e, inputs, { dtype, kernels, gives: dtype }, ([x]) =>
        e.node(onnx, [x!, e.constant("int64", [axes.length], axes)], { attributes }),
      );
    },
    reference: ([x], { axes, keep }) => [of(x!, axes, keep)],
    samples: [...samplesFor(takes, options.draw), ...(options.samples ?? [])],
  });
}

/** How many elements are reduced to one: a number, or a scalar [] that is counted where a size is open while tracing. */
function elementsOf(x: Value, axes: readonly number[]): number | Value {
  const sizes = axes.map((a) => x.shape[a]!);
  if (sizes.every((d) => typeof d === "number")) return sizes.reduce((p, d) => p * d, 1);
  return cast(sum(fill(x.graph, sizes, 1)), x.dtype);
}

/** Folds elements from `start`. */
export const folding =
  (start: number, f: (accumulated: number, value: number) => number): Reduction["of"] =>
  (x, axes, keep) =>
    fold(x, axes, keep, start, f);
export const mapped = (x: NdArray, f: (v: number) => number): NdArray => ({
  data: x.data.map(f),
  shape: x.shape,
});

export const addUp = folding(0, (a, b) => a + b);

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

export interface ReduceOptions {
  readonly keep?: boolean;
}

/** The function that applies a reduction, by default over all axes. */
export const reducer =
  (op: OpDef<ReduceAttributes>) =>
  (
    x: Value,
    axes: readonly number[] = x.shape.map((_, a) => a),
    { keep = false }: ReduceOptions = {},
  ): Value => {
    const distinct = new Set(axes.map((a) => normalizeAxis(a, x.rank, op.name)));
    return x.graph.apply(op, [x], { axes: [...distinct].sort((a, b) => a - b), keep })[0]!;
  };

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
