/** @file Other shapes for the same elements: their order, their axes, their repetition. */
import { subtractDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { broadcastShapes, type Dim, formatShape, type Shape, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { sum } from "./reduce.ts";

interface ShapeAttributes extends Record<string, unknown> {
  readonly shape: Shape;
}
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
/** Whether two numbers of elements differ; what holds a floor, min or max is only known once its names are bound. */
const differ = (a: Dim, b: Dim): boolean => a !== b && !String(subtractDims(a, b)).includes("(");

const reshapeOp = defineOp<ShapeAttributes>({
  name: "reshape",
  dims: ["shape"],
  infer: ([x], { shape }) => {
    if (differ(sizeOf(x!.shape), sizeOf(shape))) {
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
    const to =
      open > 1 || (open === 1 && sizes.includes(0))
        ? e.dims(target)
        : e.constant("int64", [sizes.length], sizes);
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
  infer: ([x], { permutation }) => {
    if (permutation.toSorted((a, b) => a - b).join() !== [...x!.shape.keys()].join())
      throw new ShapeError(
        "transpose",
        `transpose: ${formatShape(permutation)} is no order of the axes of ${formatShape(x!.shape)}`,
      );
    return [{ dtype: x!.dtype, shape: permutation.map((p) => x!.shape[p]!) }];
  },
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
  lower: (e, [x], { shape }, node) => {
    const bound = e.shape(node.outputs[0]!);
    // ONNX Runtime leaves an axis of size 1 as it is where it should become empty.
    if (bound.includes(0) && bound.every((d) => typeof d === "number"))
      return [e.constant(node.inputs[0]!.dtype, bound, [])];
    return e.node("Expand", [x!, e.dims(shape)]);
  },
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
    { inputs: [f(2, 1)], attributes: { shape: [2, 0] }, expected: [2, 0] },
  ],
});

export const reshape = (x: Value, shape: Shape): Value =>
  sameDims(x.shape, shape) ? x : x.graph.apply(reshapeOp, [x], { shape: [...shape] })[0]!;
export const transpose = (x: Value, permutation: readonly number[]): Value =>
  x.graph.apply(transposeOp, [x], { permutation: [...permutation] })[0]!;
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

export const shapeOps = [reshapeOp, transposeOp, expandOp];
