/** @file Parts of a tensor: every n-th element between two places of some axes. */
import { addDims, floorDivideDims, multiplyDims, subtractDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { type Dim, formatShape, normalizeAxis, type Shape } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { pad, padAxes } from "./pad.ts";
import { reshape } from "./shape.ts";

/** From `starts[i]` up to, without it, `ends[i]` along `axes[i]`; a negative step counts down, at most to the end −1. */
export interface SliceAttributes extends Record<string, unknown> {
  readonly axes: readonly number[];
  readonly starts: readonly Dim[];
  readonly ends: readonly Dim[];
  readonly steps: readonly number[];
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });

/** Number of elements from `start` to `end`. */
function lengthOf(start: Dim, end: Dim, step: number): Dim {
  const span = step > 0 ? subtractDims(end, start) : subtractDims(start, end);
  return floorDivideDims(addDims(span, Math.abs(step) - 1), Math.abs(step));
}

/** Whether a > b for all sizes to come. */
const exceeds = (a: Dim, b: Dim): boolean => {
  const difference = subtractDims(a, b);
  return typeof difference === "number" && difference > 0;
};

/** @throws ShapeError where a part is outside its axis; what depends on open dimensions is checked once they are bound */
function checkInside(shape: Shape, { axes, starts, ends, steps }: SliceAttributes): void {
  axes.forEach((axis, i) => {
    const [start, end, size] = [starts[i]!, ends[i]!, shape[axis]!];
    const outside =
      steps[i]! > 0
        ? exceeds(0, start) || exceeds(start, end) || exceeds(end, size)
        : exceeds(start, subtractDims(size, 1)) || exceeds(end, start) || exceeds(-1, end);
    if (outside)
      throw new ShapeError(
        "slice",
        `slice: ${start}..${end} is outside axis ${axis} of ${formatShape(shape)}`,
      );
  });
}

const sliceOp = defineOp<SliceAttributes>({
  name: "slice",
  dims: ["starts", "ends"],
  infer: ([x], attributes) => {
    checkInside(x!.shape, attributes);
    const shape = [...x!.shape];
    attributes.axes.forEach((axis, i) => {
      shape[axis] = lengthOf(attributes.starts[i]!, attributes.ends[i]!, attributes.steps[i]!);
    });
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x], outputs: [y], cotangents: [g], attributes }) => [
    y!.shape.includes(0) ? null : putBack(g!, x!.shape, attributes),
  ],
  lower: (e, [x], attributes, node) => {
    const { axes, starts, ends, steps } = attributes;
    const source = e.shape(node.inputs[0]!);
    checkInside(source, { ...attributes, starts: e.bound(starts), ends: e.bound(ends) });
    const list = (values: readonly number[]) => e.constant("int64", [values.length], values);
    // For ONNX negative places count from the end: written so, the end before the first element has a place too.
    const last = ends.map((end, i) => (steps[i]! < 0 ? subtractDims(end, source[axes[i]!]!) : end));
    const stepped = steps.some((step) => step !== 1) ? [list(steps)] : [];
    return e.node("Slice", [x!, e.dims(starts), e.dims(last), list(axes), ...stepped]);
  },
  reference: ([x], attributes, [shape]) => {
    checkInside(x!.shape, attributes);
    const { axes, starts, steps } = attributes;
    return [
      ndarray(shape!, (flat) => {
        const index = unravel(flat, shape!);
        axes.forEach((axis, i) => {
          index[axis] = (starts[i] as number) + index[axis]! * steps[i]!;
        });
        return x!.data[ravel(index, x!.shape)]!;
      }),
    ];
  },
  samples: [
    { inputs: [f(4, 3)], attributes: { axes: [0], starts: [1], ends: [3], steps: [1] } },
    { inputs: [f(2, 5, 2)], attributes: { axes: [1], starts: [0], ends: [5], steps: [1] } },
    { inputs: [f(3, 4)], attributes: { axes: [1], starts: [2], ends: [2], steps: [1] } },
    { inputs: [f(7, 5)], attributes: { axes: [0, 1], starts: [1, 4], ends: [7, -1], steps: [3, -1] } },
    { inputs: [f(8)], attributes: { axes: [0], starts: [6], ends: [0], steps: [-3] } },
    { inputs: [f(2, 6)], attributes: { axes: [1], starts: [0], ends: [6], steps: [5] } },
    { inputs: [f(0, 2)], attributes: { axes: [0], starts: [-1], ends: [-1], steps: [-1] } },
  ],
});

/** The gradient of the part at its places in zeros of the whole's shape. */
function putBack(g: Value, shape: Shape, { axes, starts, ends, steps }: SliceAttributes): Value {
  const before: Dim[] = [];
  const after: Dim[] = [];
  let spread = g;
  axes.forEach((axis, i) => {
    const [start, step] = [starts[i]!, steps[i]!];
    const stride = Math.abs(step);
    const length = lengthOf(start, ends[i]!, step);
    if (step < 0) spread = reverse(spread, axis);
    spread = dilate(spread, axis, stride);
    const first = step > 0 ? start : subtractDims(start, multiplyDims(subtractDims(length, 1), stride));
    before.push(first);
    after.push(subtractDims(shape[axis]!, addDims(first, multiplyDims(length, stride))));
  });
  return padAxes(spread, { axes, before, after });
}

/** stride−1 zeros after each element of an axis. */
function dilate(x: Value, axis: number, stride: number): Value {
  if (stride === 1) return x;
  const padded = pad(reshape(x, x.shape.toSpliced(axis + 1, 0, 1)), axis + 1, 0, stride - 1);
  return reshape(padded, x.shape.with(axis, multiplyDims(x.size(axis), stride)));
}

/** Parts along several axes at once; axes that are taken whole are left out. */
export function sliceAxes(x: Value, { axes, starts, ends, steps }: SliceAttributes): Value {
  const order = axes.map((axis) => normalizeAxis(axis, x.rank, "slice"));
  const cut = order.flatMap((axis, i) =>
    starts[i] === 0 && ends[i] === x.size(axis) && steps[i] === 1 ? [] : [i],
  );
  if (cut.length === 0) return x;
  const pick = <T>(values: readonly T[]): T[] => cut.map((i) => values[i]!);
  const attributes = { axes: pick(order), starts: pick(starts), ends: pick(ends), steps: pick(steps) };
  return x.graph.apply(sliceOp, [x], attributes)[0]!;
}

/** Elements start, start+1, …, end−1 of one axis. */
export const slice = (x: Value, axis: number, start: Dim, end: Dim): Value =>
  sliceAxes(x, { axes: [axis], starts: [start], ends: [end], steps: [1] });

/** The elements of one axis in opposite order. */
export const reverse = (x: Value, axis: number): Value =>
  sliceAxes(x, { axes: [axis], starts: [subtractDims(x.size(axis), 1)], ends: [-1], steps: [-1] });

export const sliceOps = [sliceOp];
