/** @file Selecting rows by integer indices, and the scatter that is its gradient. Negative indices count from the end. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { count, formatSpec, normalizeAxis, sizeOf, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type OpDef, sameDims } from "../op.ts";
import { fill } from "./constant.ts";
import { mul } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { reshape } from "./shape.ts";

interface AxisAttributes extends Record<string, unknown> {
  readonly axis: number;
}
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const list = (...values: number[]) => ({ dtype: "int64" as const, shape: [values.length], values });

/** @throws ShapeError where indices are not integers */
export function checkIndices(where: string, { dtype }: TensorSpec): void {
  if (dtype !== "int32" && dtype !== "int64")
    throw new ShapeError("dtype", `${where}: indices must be int32 or int64, not ${dtype}`);
}

/** The place that an index names on an axis. */
export const place = (index: number, size: number): number => (index < 0 ? index + size : index);

function define(name: string, fields: Partial<OpDef<AxisAttributes>>): OpDef<AxisAttributes> {
  return defineOp<AxisAttributes>({
    name,
    infer: ([table, indices], { axis }) => {
      checkIndices(name, indices!);
      return [{ dtype: table!.dtype, shape: table!.shape.toSpliced(axis, 1, ...indices!.shape) }];
    },
    gradient: ({ inputs: [table, indices], cotangents: [g], attributes: { axis } }) => {
      const rows = sizeOf(indices!.shape);
      const updates = reshape(g!, table!.shape.with(axis, rows));
      const zeros = fill(g!.graph, table!.shape, 0, g!.dtype);
      return [scatterAdd(zeros, reshape(indices!, [rows]), updates, axis), null];
    },
    lower: (e, inputs, { axis }) => e.node("Gather", inputs, { attributes: { axis } }),
    reference: ([table, indices], { axis }, [shape]) => {
      const [width, size] = [count(table!.shape.slice(axis + 1)), table!.shape[axis]!];
      const out = ndarray(shape!);
      for (let run = 0; run * width < out.data.length; run++) {
        const outer = Math.floor(run / indices!.data.length);
        const row = outer * size + place(indices!.data[run % indices!.data.length]!, size);
        out.data.set(table!.data.subarray(row * width, (row + 1) * width), run * width);
      }
      return [out];
    },
    samples: [],
    ...fields,
  });
}

/** Rows of a table: the look-up whose gradient may stay a list of rows. */
const gatherOp = define("gather", {
  selects: { table: 0, rows: 1 },
  samples: [
    { inputs: [f(5, 3), i([2, 4], 5)], attributes: { axis: 0 } }, // repeated indices are certain
    { inputs: [f(4), i([6], 4)], attributes: { axis: 0 } },
    { inputs: [f(4, 2, 3), list(-1, 0, -4)], attributes: { axis: 0 } },
  ],
});

const gatherAxisOp = define("gatherAxis", {
  samples: [
    { inputs: [f(2, 5, 3), i([4], 5)], attributes: { axis: 1 } },
    { inputs: [f(2, 3), i([2, 2], 3)], attributes: { axis: 1 } },
    { inputs: [f(2, 4, 1), { ...list(-1), shape: [] }], attributes: { axis: 1 } },
    { inputs: [f(2, 3), i([0], 3)], attributes: { axis: 1 } },
  ],
});

const scatterAddOp = defineOp<AxisAttributes>({
  name: "scatterAdd",
  infer: ([base, indices, updates], { axis }) => {
    checkIndices("scatterAdd", indices!);
    const fits = sameDims(updates!.shape, base!.shape.toSpliced(axis, 1, ...indices!.shape));
    if (!fits || indices!.shape.length !== 1) {
      const shown = [base!, indices!, updates!].map(formatSpec).join(", ");
      throw new ShapeError(
        "scatterAdd",
        `scatterAdd: base [N, …], indices [K] and updates [K, …] do not fit: ${shown}`,
      );
    }
    return [base!];
  },
  gradient: ({ inputs: [, indices], cotangents: [g], attributes: { axis } }) => [
    g!,
    null,
    gather(g!, indices!, axis),
  ],
  lower: (e, [base, indices, updates], { axis }, node) => {
    // ScatterND with reduction=add loses updates to repeated rows when it runs on several threads; ScatterElements does not.
    const { shape } = node.inputs[2]!;
    const column = shape.map((size, a) => (a === axis ? size : 1));
    const line =
      shape.length === 1
        ? indices!
        : e.node("Reshape", [indices!, e.dims(column)], { attributes: { allowzero: 1 } })[0]!;
    const wide = sameDims(column, shape) ? line : e.node("Expand", [line, e.dims(shape)])[0]!;
    return e.node("ScatterElements", [base!, wide, updates!], { attributes: { axis, reduction: "add" } });
  },
  reference: ([base, indices, updates], { axis }) => {
    const [width, size] = [count(base!.shape.slice(axis + 1)), base!.shape[axis]!];
    const data = base!.data.slice();
    updates!.data.forEach((v, flat) => {
      const run = Math.floor(flat / width);
      const outer = Math.floor(run / indices!.data.length);
      const row = outer * size + place(indices!.data[run % indices!.data.length]!, size);
      data[row * width + (flat % width)]! += v;
    });
    return [{ data, shape: base!.shape }];
  },
  samples: [
    { inputs: [f(4, 3), i([7], 4), f(7, 3)], attributes: { axis: 0 } },
    { inputs: [f(3), i([5], 3), f(5)], attributes: { axis: 0 } },
    { inputs: [f(2, 3, 2), list(1, -3, 1, -1), f(2, 4, 2)], attributes: { axis: 1 } },
  ],
});

/** Rows of a table along an axis: [N, …] and indices [I…] → [I…, …]. */
export function gather(table: Value, indices: Value, axis = 0): Value {
  const at = normalizeAxis(axis, table.rank, "gather");
  return table.graph.apply(at === 0 ? gatherOp : gatherAxisOp, [table, indices], { axis: at })[0]!;
}

/** base + updates added at rows `indices` (repeated rows add up) along an axis: [N, …], [K], [K, …] → [N, …]. */
export const scatterAdd = (base: Value, indices: Value, updates: Value, axis = 0): Value =>
  base.graph.apply(scatterAddOp, [base, indices, updates], { axis })[0]!;
/** Row-wise inner products: [R, D] · [R, D] → [R]. */
export const rowDot = (a: Value, b: Value): Value => sum(mul(a, b), [-1]);

export const gatherOps = [gatherOp, gatherAxisOp, scatterAddOp];
