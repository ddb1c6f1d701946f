/** @file The largest or smallest elements of an axis. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { count, type Dim, formatShape, normalizeAxis } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { fill } from "./constant.ts";
import { scatterElements } from "./gather-elements.ts";

interface TopKAttributes extends Record<string, unknown> {
  readonly k: Dim;
  readonly axis: number;
  readonly largest: boolean;
}
const f = (shape: number[], values?: number[]) => ({
  dtype: "float32" as const,
  shape,
  ...(values ? { values } : {}),
});

const topKOp = defineOp<TopKAttributes>({
  name: "topK",
  dims: ["k"],
  infer: ([x], { k, axis }) => {
    const size = x!.shape[axis]!;
    if (typeof k === "number" && (k < 0 || (typeof size === "number" && k > size)))
      throw new ShapeError("topK", `topK: axis ${axis} of ${formatShape(x!.shape)} has no ${k} elements`);
    const shape = x!.shape.with(axis, k);
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  gradient: ({ inputs: [x], outputs: [, indices], cotangents: [g], attributes: { axis } }) => [
    scatterElements(fill(g!.graph, x!.shape, 0, g!.dtype), indices!, g!, { axis }),
  ],
  lower: (e, [x], { k, axis, largest }) =>
    e.node("TopK", [x!, e.dims([k])], {
      outputs: 2,
      attributes: { axis, largest: largest ? 1 : 0, sorted: 1 },
    }),
  reference: ([x], { axis, largest }, [shape]) => {
    const [values, indices] = [ndarray(shape!), ndarray(shape!)];
    const lines = shape!.with(axis, 1);
    for (let line = 0; line < count(lines); line++) {
      const index = unravel(line, lines);
      const at = (place: number, of: readonly number[]) => ravel(index.with(axis, place), of);
      const element = (place: number) => x!.data[at(place, x!.shape)]!;
      Array.from({ length: x!.shape[axis]! }, (_, place) => place)
        .sort((a, b) => (largest ? element(b) - element(a) : element(a) - element(b))) // equal ones stay in order
        .slice(0, shape![axis])
        .forEach((place, k) => {
          values.data[at(k, shape!)] = element(place);
          indices.data[at(k, shape!)] = place;
        });
    }
    return [values, indices];
  },
  samples: [
    { inputs: [f([3, 5])], attributes: { k: 2, axis: 1, largest: true } },
    { inputs: [f([4, 2, 3])], attributes: { k: 3, axis: 0, largest: false } },
    { inputs: [f([4])], attributes: { k: 4, axis: 0, largest: true } },
    {
      inputs: [{ dtype: "int64", shape: [6], values: [3, 1, 3, 2, 1, 3] }], // ties: the first ones
      attributes: { k: 4, axis: 0, largest: true },
    },
    { inputs: [f([2, 3])], attributes: { k: 0, axis: 1, largest: true } },
  ],
});

/** The k largest (smallest) elements of an axis in order, and their indices (int64); of equal ones the first. */
export function topK(
  x: Value,
  k: Dim,
  { axis = -1, largest = true }: { readonly axis?: number; readonly largest?: boolean } = {},
): { readonly values: Value; readonly indices: Value } {
  const attributes = { k, axis: normalizeAxis(axis, x.rank, "topK"), largest };
  const [values, indices] = x.graph.apply(topKOp, [x], attributes);
  return { values: values!, indices: indices! };
}

export const topKOps = [topKOp];
