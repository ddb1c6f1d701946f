/** @file Single elements picked or replaced along an axis, each by an index of its own. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { formatSpec, normalizeAxis } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { fill } from "./constant.ts";
import { checkIndices, place } from "./gather.ts";
import { reshape, unsqueeze } from "./shape.ts";

interface AxisAttributes extends Record<string, unknown> {
  readonly axis: number;
}
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const at = (shape: number[], ...values: number[]) => ({ dtype: "int64" as const, shape, values });

/** Flat places in a tensor of `shape` of what indices along `axis` name. */
function placesOf(indices: NdArray, shape: readonly number[], axis: number): Float64Array {
  return indices.data.map((value, flat) => {
    const index = unravel(flat, indices.shape);
    index[axis] = place(value, shape[axis]!);
    return ravel(index, shape);
  });
}

const gatherElementsOp = defineOp<AxisAttributes>({
  name: "gatherElements",
  infer: ([x, indices]) => {
    checkIndices("gatherElements", indices!);
    if (x!.shape.length !== indices!.shape.length)
      throw new ShapeError(
        "gatherElements",
        `gatherElements: ${formatSpec(x!)} and its indices ${formatSpec(indices!)} have different ranks`,
      );
    return [{ dtype: x!.dtype, shape: indices!.shape }];
  },
  gradient: ({ inputs: [x, indices], cotangents: [g], attributes: { axis } }) => [
    scatterElements(fill(g!.graph, x!.shape, 0, g!.dtype), indices!, g!, { axis, reduction: "add" }),
    null,
  ],
  lower: (e, inputs, { axis }) => e.node("GatherElements", inputs, { attributes: { axis } }),
  reference: ([x, indices], { axis }, [shape]) => {
    const places = placesOf(indices!, x!.shape, axis);
    return [ndarray(shape!, (flat) => x!.data[places[flat]!]!)];
  },
  samples: [
    { inputs: [f(3, 4), i([3, 6], 4)], attributes: { axis: 1 } },
    { inputs: [f(3, 4), i([5, 2], 3)], attributes: { axis: 0 } },
    { inputs: [f(2, 3, 2), at([2, 1, 2], -1, 0, -3, 2)], attributes: { axis: 1 } },
  ],
});

/** What happens where an update meets an element, or another update. */
export type Reduction = "none" | "add" | "mul" | "min" | "max";

/** The arithmetic of reductions; "none" replaces. */
export const reductions: Readonly<Record<Reduction, (a: number, b: number) => number>> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  min: Math.min,
  max: Math.max,
};

interface ScatterAttributes extends AxisAttributes {
  readonly reduction: Reduction;
}

/** @throws ShapeError for reductions without a gradient rule */
export function refuseGradient(name: string, reduction: Reduction): void {
  if (reduction !== "none" && reduction !== "add")
    throw new ShapeError("gradient", `${name}: with reduction "${reduction}" it has no gradient rule`);
}

const scatterElementsOp = defineOp<ScatterAttributes>({
  name: "scatterElements",
  infer: ([x, indices, updates]) => {
    checkIndices("scatterElements", indices!);
    const types = x!.dtype === updates!.dtype;
    if (!types || !sameDims(indices!.shape, updates!.shape) || x!.shape.length !== indices!.shape.length) {
      const shown = [x!, indices!, updates!].map(formatSpec).join(", ");
      throw new ShapeError(
        "scatterElements",
        `scatterElements: data, indices and updates do not fit: ${shown}`,
      );
    }
    return [x!];
  },
  gradient: ({ inputs: [, indices, updates], cotangents: [g], attributes: { axis, reduction }, needs }) => {
    refuseGradient("scatterElements", reduction);
    const picked = needs[2] ? gatherElements(g!, indices!, axis) : null;
    if (reduction === "add") return [g!, null, picked];
    const zeros = fill(g!.graph, updates!.shape, 0, g!.dtype);
    return [needs[0] ? scatterElements(g!, indices!, zeros, { axis }) : null, null, picked];
  },
  lower: (e, inputs, { axis, reduction }) =>
    e.node("ScatterElements", inputs, {
      attributes: reduction === "none" ? { axis } : { axis, reduction },
    }),
  reference: ([x, indices, updates], { axis, reduction }) => {
    const data = x!.data.slice();
    placesOf(indices!, x!.shape, axis).forEach((p, k) => {
      data[p] = reductions[reduction](data[p]!, updates!.data[k]!);
    });
    return [{ data, shape: x!.shape }];
  },
  samples: [
    {
      inputs: [f(3, 4), at([2, 2], 1, 3, 0, -1), f(2, 2)],
      attributes: { axis: 1, reduction: "none" },
    },
    { inputs: [f(3, 4), i([5, 4], 3), f(5, 4)], attributes: { axis: 0, reduction: "add" } },
    { inputs: [f(2, 3, 2), i([2, 4, 1], 3), f(2, 4, 1)], attributes: { axis: 1, reduction: "add" } },
    ...(["mul", "min", "max"] as const).map((reduction) => ({
      inputs: [i([3, 2], 9), i([6, 2], 3), i([6, 2], 9)], // integers: these have no gradient rule
      attributes: { axis: 0, reduction },
    })),
  ],
});

/** y[…, i, …] = x[…, indices[…, i, …], …]; the shape is that of the indices. */
export const gatherElements = (x: Value, indices: Value, axis: number): Value =>
  x.graph.apply(gatherElementsOp, [x, indices], {
    axis: normalizeAxis(axis, x.rank, "gatherElements"),
  })[0]!;

/** x with updates at the elements that indices along an axis name. */
export const scatterElements = (
  x: Value,
  indices: Value,
  updates: Value,
  { axis, reduction = "none" }: { readonly axis: number; readonly reduction?: Reduction },
): Value =>
  x.graph.apply(scatterElementsOp, [x, indices, updates], {
    axis: normalizeAxis(axis, x.rank, "scatterElements"),
    reduction,
  })[0]!;

/** One element of each last-axis row: [R…, N] and indices [R…] → [R…]. */
export function take(x: Value, indices: Value): Value {
  if (!sameDims(indices.shape, x.shape.slice(0, -1))) {
    throw new ShapeError(
      "take",
      `take: indices ${formatSpec(indices.spec)} must be one for each row of ${formatSpec(x.spec)}`,
    );
  }
  return reshape(gatherElements(x, unsqueeze(indices, -1), -1), indices.shape);
}

export const gatherElementsOps = [gatherElementsOp, scatterElementsOp];
