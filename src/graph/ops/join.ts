/** @file Tensors joined along an axis, and taken apart again. */
import { addDims, subtractDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { count, type Dim, formatShape, formatSpec, normalizeAxis, type Shape } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { fill } from "./constant.ts";
import { pad } from "./pad.ts";
import { slice } from "./slice.ts";

interface AxisAttributes extends Record<string, unknown> {
  readonly axis: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const total = (sizes: Shape): Dim => sizes.reduce<Dim>(addDims, 0);

const concatOp = defineOp<AxisAttributes>({
  name: "concat",
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const fits = inputs.every((s) => sameDims(s.shape.toSpliced(axis, 1), first!.shape.toSpliced(axis, 1)));
    if (!fits) {
      throw new ShapeError(
        "concat",
        `concat: shapes ${inputs.map((s) => formatShape(s.shape)).join(", ")} do not join along axis ${axis}`,
      );
    }
    if (inputs.some((s) => s.dtype !== first!.dtype))
      throw new ShapeError("concat", `concat: element types differ: ${inputs.map(formatSpec).join(", ")}`);
    return [
      { dtype: first!.dtype, shape: first!.shape.with(axis, total(inputs.map((s) => s.shape[axis]!))) },
    ];
  },
  gradient: ({ inputs, cotangents: [g], attributes: { axis }, needs }) => {
    const sizes = inputs.map((x) => x.shape[axis]!);
    if (inputs.length > 1 && needs.every(Boolean)) return split(g!, axis, sizes);
    return sizes.map((size, i) => {
      const start = total(sizes.slice(0, i));
      return needs[i] ? slice(g!, axis, start, addDims(start, size)) : null;
    });
  },
  lower: (e, inputs, { axis }) => e.node("Concat", inputs, { attributes: { axis } }),
  reference: (inputs, { axis }, [shape]) => {
    const out = ndarray(shape!);
    let start = 0;
    for (const x of inputs) {
      copyRuns(x, out, axis, (run) => run + start);
      start += x.shape[axis]!;
    }
    return [out];
  },
  samples: [
    { inputs: [f(2, 3), f(2, 1)], attributes: { axis: 1 } },
    { inputs: [f(2, 3), f(0, 3), f(4, 3)], attributes: { axis: 0 } },
    { inputs: [f(2, 3, 2)], attributes: { axis: 1 } },
  ],
});

/** Copies a tensor into a larger one, where place i of the axis goes to place `to(i)`, if there is one. */
function copyRuns(from: NdArray, into: NdArray, axis: number, to: (place: number) => number): void {
  const width = count(from.shape.slice(axis + 1));
  const [size, room] = [from.shape[axis]!, into.shape[axis]!];
  for (let run = 0; run * width < from.data.length; run++) {
    const place = to(run % size);
    if (place < 0 || place >= room) continue;
    const start = (Math.floor(run / size) * room + place) * width;
    into.data.set(from.data.subarray(run * width, (run + 1) * width), start);
  }
}

interface SplitAttributes extends AxisAttributes {
  readonly sizes: readonly Dim[];
}

const splitOp = defineOp<SplitAttributes>({
  name: "split",
  dims: ["sizes"],
  infer: ([x], { axis, sizes }) => {
    const rest = subtractDims(x!.shape[axis]!, total(sizes));
    if (typeof rest === "number" && rest !== 0)
      throw new ShapeError(
        "split",
        `split: parts of ${sizes.join(", ")} do not make up axis ${axis} of ${formatShape(x!.shape)}`,
      );
    return sizes.map((size) => ({ dtype: x!.dtype, shape: x!.shape.with(axis, size) }));
  },
  gradient: ({ inputs: [x], outputs, cotangents, attributes: { axis, sizes } }) => {
    const used = cotangents.flatMap((g, i) => (g ? [i] : []));
    const [only] = used;
    if (used.length === 1) {
      const before = total(sizes.slice(0, only));
      const after = subtractDims(x!.shape[axis]!, addDims(before, sizes[only!]!));
      return [pad(cotangents[only!]!, axis, before, after)];
    }
    return [
      concat(
        outputs.map((y, i) => cotangents[i] ?? fill(y.graph, y.shape, 0, y.dtype)),
        axis,
      ),
    ];
  },
  lower: (e, [x], { axis, sizes }) =>
    e.node("Split", [x!, e.dims(sizes)], { outputs: sizes.length, attributes: { axis } }),
  reference: ([x], { axis }, shapes) => {
    let start = 0;
    return shapes.map((shape) => {
      const out = ndarray(shape);
      const from = start;
      copyRuns(x!, out, axis, (run) => run - from);
      start += shape[axis]!;
      return out;
    });
  },
  samples: [
    { inputs: [f(2, 6)], attributes: { axis: 1, sizes: [2, 2, 2] } },
    { inputs: [f(5, 2)], attributes: { axis: 0, sizes: [0, 4, 1] } },
    { inputs: [f(3, 4, 2)], attributes: { axis: 1, sizes: [3, 1] } },
  ],
});

/** Tensors end to end along one axis. */
export const concat = (inputs: readonly Value[], axis: number): Value =>
  inputs[0]!.graph.apply(concatOp, inputs, { axis: normalizeAxis(axis, inputs[0]!.rank, "concat") })[0]!;
/** Parts of the given sizes along one axis. */
export const split = (x: Value, axis: number, sizes: readonly Dim[]): readonly Value[] =>
  x.graph.apply(splitOp, [x], { axis: normalizeAxis(axis, x.rank, "split"), sizes: [...sizes] });

export const joinOps = [concatOp, splitOp];
