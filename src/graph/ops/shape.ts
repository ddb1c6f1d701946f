/** @file Operators that move elements without changing them. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import {
  broadcastShapes,
  type Dim,
  formatShape,
  normalizeAxis,
  type Shape,
  sizeOf,
} from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter, sameDims } from "../op.ts";
import { sum } from "./reduce.ts";

interface ShapeAttributes extends Record<string, unknown> {
  readonly shape: Shape;
}
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const axesConstant = (e: Emitter, values: readonly number[]): string =>
  e.constant("int64", [values.length], values);

const reshapeOp = defineOp<ShapeAttributes>({
  name: "reshape",
  dims: ["shape"],
  infer: ([x], { shape }) => {
    if (sizeOf(x!.shape) !== sizeOf(shape)) {
      throw new ShapeError(
        "reshape",
        `reshape: ${formatShape(x!.shape)} has ${sizeOf(x!.shape)} elements, ${formatShape(shape)} has ${sizeOf(shape)}`,
      );
    }
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [reshape(g!, x!.shape)],
  lower: (e, [x], _, node) => {
    const target = e.shape(node.outputs[0]!);
    const open = target.filter((d) => typeof d === "string").length;
    const sizes = target.map((d) => (typeof d === "number" ? d : -1));
    const to = open > 1 || (open === 1 && sizes.includes(0)) ? e.dims(target) : axesConstant(e, sizes);
    return e.node("Reshape", [x!, to], { attributes: { allowzero: 1 } });
  },
  reference: ([x], _, [shape]) => [{ data: x!.data, shape: shape! }],
  samples: [
    { inputs: [f(2, 6)], attributes: { shape: [3, 4] }, expected: [3, 4] },
    { inputs: [f(4)], attributes: { shape: [1, 4, 1] }, expected: [1, 4, 1] },
    { inputs: [f(1)], attributes: { shape: [] }, expected: [] },
    { inputs: [f(0, 3)], attributes: { shape: [3, 0] }, expected: [3, 0] },
  ],
});

interface TransposeAttributes extends Record<string, unknown> {
  readonly permutation: readonly number[];
}
const transposeOp = defineOp<TransposeAttributes>({
  name: "transpose",
  infer: ([x], { permutation }) => [{ dtype: x!.dtype, shape: permutation.map((p) => x!.shape[p]!) }],
  gradient: ({ cotangents: [g], attributes: { permutation } }) => [
    transpose(
      g!,
      permutation.map((_, axis) => permutation.indexOf(axis)),
    ),
  ],
  lower: (e, inputs, { permutation }) => e.node("Transpose", inputs, { attributes: { perm: permutation } }),
  reference: ([x], { permutation }, [shape]) => [
    ndarray(shape!, (flat) => {
      const index = unravel(flat, shape!);
      const source = new Array<number>(index.length);
      permutation.forEach((p, axis) => {
        source[p] = index[axis]!;
      });
      return x!.data[ravel(source, x!.shape)]!;
    }),
  ],
  samples: [
    { inputs: [f(2, 3)], attributes: { permutation: [1, 0] } },
    { inputs: [f(2, 3, 4, 5)], attributes: { permutation: [0, 2, 1, 3] } },
    { inputs: [f(2, 3, 4)], attributes: { permutation: [2, 0, 1] } },
  ],
});

interface AxisAttributes extends Record<string, unknown> {
  readonly axis: number;
}
const concatOp = defineOp<AxisAttributes>({
  name: "concat",
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const fits = inputs.every((s) => sameDims(s.shape.toSpliced(axis, 1), first!.shape.toSpliced(axis, 1)));
    const sizes = inputs.map((s) => s.shape[axis]!);
    if (!fits || sizes.some((d) => typeof d !== "number")) {
      throw new ShapeError(
        "concat",
        `concat: shapes ${inputs.map((s) => formatShape(s.shape)).join(", ")} do not join along axis ${axis}`,
      );
    }
    const total = (sizes as number[]).reduce((a, b) => a + b, 0);
    return [{ dtype: first!.dtype, shape: first!.shape.with(axis, total) }];
  },
  gradient: ({ inputs, cotangents: [g], attributes: { axis } }) => {
    let start = 0;
    return inputs.map((x) => {
      const size = x.shape[axis] as number;
      start += size;
      return slice(g!, axis, start - size, start);
    });
  },
  lower: (e, inputs, { axis }) => e.node("Concat", inputs, { attributes: { axis } }),
  reference: (inputs, { axis }, [shape]) => {
    const out = ndarray(shape!);
    let start = 0;
    for (const x of inputs) {
      for (let i = 0; i < x.data.length; i++) {
        const index = unravel(i, x.shape);
        index[axis]! += start;
        out.data[ravel(index, shape!)] = x.data[i]!;
      }
      start += x.shape[axis]!;
    }
    return [out];
  },
  samples: [
    { inputs: [f(2, 3), f(2, 1)], attributes: { axis: 1 } },
    { inputs: [f(2, 3), f(0, 3), f(4, 3)], attributes: { axis: 0 } },
  ],
});

interface SliceAttributes extends AxisAttributes {
  readonly start: number;
  readonly end: number;
}
const sliceOp = defineOp<SliceAttributes>({
  name: "slice",
  infer: ([x], { axis, start, end }) => {
    const size = x!.shape[axis];
    if (start < 0 || end < start || (typeof size === "number" && end > size)) {
      throw new ShapeError(
        "slice",
        `slice: ${start}..${end} is outside axis ${axis} of ${formatShape(x!.shape)}`,
      );
    }
    return [{ dtype: x!.dtype, shape: x!.shape.with(axis, end - start) }];
  },
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axis, start, end } }) => {
    const size = x!.shape[axis]!;
    if (typeof size === "number") return [pad(g!, axis, start, size - end)];
    throw new ShapeError(
      "slice",
      `slice: its gradient needs a known size of axis ${axis}, not "${size}" of ${formatShape(x!.shape)}`,
    );
  },
  lower: (e, [x], { axis, start, end }) =>
    e.node("Slice", [x!, axesConstant(e, [start]), axesConstant(e, [end]), axesConstant(e, [axis])]),
  reference: ([x], { axis, start }, [shape]) => [
    ndarray(shape!, (flat) => {
      const index = unravel(flat, shape!);
      index[axis]! += start;
      return x!.data[ravel(index, x!.shape)]!;
    }),
  ],
  samples: [
    { inputs: [f(4, 3)], attributes: { axis: 0, start: 1, end: 3 } },
    { inputs: [f(2, 5, 2)], attributes: { axis: 1, start: 0, end: 5 } },
    { inputs: [f(3, 4)], attributes: { axis: 1, start: 2, end: 2 } },
  ],
});

interface PadAttributes extends AxisAttributes {
  readonly before: number;
  readonly after: number;
}
const padOp = defineOp<PadAttributes>({
  name: "pad",
  infer: ([x], { axis, before, after }) => [
    { dtype: x!.dtype, shape: x!.shape.with(axis, before + (x!.shape[axis] as number) + after) },
  ],
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axis, before } }) => [
    slice(g!, axis, before, before + (x!.shape[axis] as number)),
  ],
  lower: (e, [x], { axis, before, after }) =>
    e.node("Pad", [x!, axesConstant(e, [before, after]), "", axesConstant(e, [axis])]),
  reference: ([x], { axis, before }, [shape]) => {
    const out = ndarray(shape!);
    for (let i = 0; i < x!.data.length; i++) {
      const index = unravel(i, x!.shape);
      index[axis]! += before;
      out.data[ravel(index, shape!)] = x!.data[i]!;
    }
    return [out];
  },
  samples: [
    { inputs: [f(2, 3)], attributes: { axis: 1, before: 2, after: 1 } },
    { inputs: [f(2, 3)], attributes: { axis: 0, before: 0, after: 2 } },
  ],
});

const expandOp = defineOp<ShapeAttributes>({
  name: "expand",
  dims: ["shape"],
  infer: ([x], { shape }) => {
    if (!sameDims(broadcastShapes("expand", x!.shape, shape), shape)) {
      throw new ShapeError(
        "expand",
        `expand: ${formatShape(x!.shape)} does not broadcast to ${formatShape(shape)}`,
      );
    }
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], cotangents: [g] }) => [sumTo(g!, x!.shape)],
  lower: (e, [x], { shape }) => e.node("Expand", [x!, e.dims(shape)]),
  reference: ([x], _, [shape]) => [
    ndarray(shape!, (flat) => {
      const index = unravel(flat, shape!).slice(shape!.length - x!.shape.length);
      return x!.data[
        ravel(
          index.map((v, axis) => (x!.shape[axis] === 1 ? 0 : v)),
          x!.shape,
        )
      ]!;
    }),
  ],
  samples: [
    { inputs: [f(3, 1)], attributes: { shape: [2, 3, 4] }, expected: [2, 3, 4] },
    { inputs: [f()], attributes: { shape: [2] }, expected: [2] },
  ],
});

export const reshape = (x: Value, shape: Shape): Value =>
  sameDims(x.shape, shape) ? x : x.graph.apply(reshapeOp, [x], { shape: [...shape] })[0]!;
export const transpose = (x: Value, permutation: readonly number[]): Value =>
  x.graph.apply(transposeOp, [x], { permutation: [...permutation] })[0]!;
export const concat = (inputs: readonly Value[], axis: number): Value =>
  inputs[0]!.graph.apply(concatOp, inputs, { axis: normalizeAxis(axis, inputs[0]!.rank, "concat") })[0]!;
/** Elements start..end−1 of one axis. */
export const slice = (x: Value, axis: number, start: number, end: number): Value =>
  start === 0 && end === x.size(axis)
    ? x
    : x.graph.apply(sliceOp, [x], { axis: normalizeAxis(axis, x.rank, "slice"), start, end })[0]!;
/** Zeros before and after one axis. */
export const pad = (x: Value, axis: number, before: number, after: number): Value =>
  before === 0 && after === 0 ? x : x.graph.apply(padOp, [x], { axis, before, after })[0]!;
export const expand = (x: Value, shape: Shape): Value =>
  sameDims(x.shape, shape) ? x : x.graph.apply(expandOp, [x], { shape: [...shape] })[0]!;
/** Inserts an axis of size 1. */
export const unsqueeze = (x: Value, axis: number): Value => {
  const at = axis < 0 ? axis + x.rank + 1 : axis;
  return reshape(x, x.shape.toSpliced(at, 0, 1));
};

/** Sums a gradient back to the shape its source was broadcast from. */
export function sumTo(g: Value, shape: Shape): Value {
  if (sameDims(g.shape, shape)) return g;
  const lead = g.rank - shape.length;
  const axes = g.shape.flatMap((d: Dim, axis) =>
    axis < lead || (shape[axis - lead] === 1 && d !== 1) ? [axis] : [],
  );
  return reshape(axes.length > 0 ? sum(g, axes, { keep: true }) : g, shape);
}

export const shapeOps = [reshapeOp, transposeOp, concatOp, sliceOp, padOp, expandOp];
