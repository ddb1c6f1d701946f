/** @file What all reductions share: element types, axes, ONNX form, reference and samples. */
import { reduce as fold, type NdArray } from "../../tensor/ndarray.ts";
import { type DType, normalizeAxis, type Shape } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type OpDef, type Sample, type SampleInput } from "../op.ts";
import { commonType, inKernelType, signed } from "./elementwise.ts";
import { expand, reshape } from "./shape.ts";

export interface ReduceAttributes extends Record<string, unknown> {
  /** Which axes, in ascending order; none leaves every element for itself. */
  readonly axes: readonly number[];
  readonly keep: boolean;
}

/** What a gradient rule of a reduction sees; y and g have size 1 on the reduced axes. */
export interface Slope {
  readonly x: Value;
  readonly y: Value;
  readonly g: Value;
  readonly axes: readonly number[];
}

export interface Reduction {
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

/** Folds elements from `start`. */
export function folding(start: number, f: (accumulated: number, value: number) => number): Reduction["of"] {
  return (x, axes, keep) => fold(x, axes, keep, start, f);
}

export function mapped({ data, shape }: NdArray, f: (v: number) => number): NdArray {
  return { data: data.map(f), shape };
}

export function addUp(x: NdArray, axes: readonly number[], keep: boolean): NdArray {
  return fold(x, axes, keep, 0, (a, b) => a + b);
}

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
