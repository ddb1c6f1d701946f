/** @file Constants around a tensor, and elements cut off where there are fewer than none. */
import { addDims, multiplyDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { type Dim, formatShape, normalizeAxis } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { sliceAxes } from "./slice.ts";

/** Numbers of elements put before and after the axes named. */
export interface Pads {
  readonly axes: readonly number[];
  readonly before: readonly Dim[];
  readonly after: readonly Dim[];
}

interface PadAttributes extends Pads, Record<string, unknown> {
  readonly value: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });

const padOp = defineOp<PadAttributes>({
  name: "pad",
  dims: ["before", "after"],
  infer: ([x], { axes, before, after }) => {
    const shape = [...x!.shape];
    axes.forEach((axis, i) => {
      shape[axis] = addDims(addDims(before[i]!, shape[axis]!), after[i]!);
    });
    if (shape.some((d) => typeof d === "number" && d < 0))
      throw new ShapeError("pad", `pad: ${formatShape(x!.shape)} would become ${formatShape(shape)}`);
    return [{ dtype: x!.dtype, shape }];
  },
  // What was added is taken away again, and the other way round.
  gradient: ({ inputs: [x], cotangents: [g], attributes: { axes, before, after } }) => {
    if ([...before, ...after].some((d) => typeof d === "number" && d < 0)) {
      const opposite = (d: Dim): Dim => multiplyDims(d, -1);
      return [padAxes(g!, { axes, before: before.map(opposite), after: after.map(opposite) })];
    }
    const ends = axes.map((axis, i) => addDims(before[i]!, x!.shape[axis]!));
    return [sliceAxes(g!, { axes, starts: before, ends, steps: axes.map(() => 1) })];
  },
  lower: (e, [x], { axes, before, after, value }, node) => {
    const fill = value === 0 ? "" : e.constant(node.inputs[0]!.dtype, [], [value]);
    return e.node("Pad", [x!, e.dims([...before, ...after]), fill, e.constant("int64", [axes.length], axes)]);
  },
  reference: ([x], { axes, before, value }, [shape]) => {
    const out = ndarray(shape!, value);
    for (let i = 0; i < x!.data.length; i++) {
      const index = unravel(i, x!.shape);
      axes.forEach((axis, k) => {
        index[axis]! += before[k] as number;
      });
      if (index.every((v, axis) => v >= 0 && v < shape![axis]!)) out.data[ravel(index, shape!)] = x!.data[i]!;
    }
    return [out];
  },
  samples: [
    { inputs: [f(2, 3)], attributes: { axes: [1], before: [2], after: [1], value: 0 } },
    { inputs: [f(2, 3)], attributes: { axes: [0], before: [0], after: [2], value: 0 } },
    { inputs: [f(2, 3, 2)], attributes: { axes: [2, 0], before: [1, 0], after: [1, 3], value: -1.5 } },
    { inputs: [f(4, 3)], attributes: { axes: [0, 1], before: [-1, 2], after: [1, -2], value: 0.5 } },
    { inputs: [f(2, 0)], attributes: { axes: [1], before: [1], after: [1], value: 0 } },
  ],
});

/** Constants around several axes at once; a negative number cuts elements off. */
export function padAxes(x: Value, { axes, before, after }: Pads, value = 0): Value {
  const order = axes.map((axis) => normalizeAxis(axis, x.rank, "pad"));
  const padded = order.flatMap((_, i) => (before[i] === 0 && after[i] === 0 ? [] : [i]));
  if (padded.length === 0) return x;
  const pick = <T>(values: readonly T[]): T[] => padded.map((i) => values[i]!);
  const attributes = { axes: pick(order), before: pick(before), after: pick(after), value };
  return x.graph.apply(padOp, [x], attributes)[0]!;
}

/** Zeros before and after one axis. */
export const pad = (x: Value, axis: number, before: Dim, after: Dim): Value =>
  padAxes(x, { axes: [axis], before: [before], after: [after] });

export const padOps = [padOp];
