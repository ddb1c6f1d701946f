/** @file Selecting rows and elements by integer indices, and the scatters that are their gradients. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { formatSpec, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { fill } from "./constant.ts";
import { mul } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { reshape } from "./shape.ts";

type None = Record<string, never>;
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });

const gatherOp = defineOp<None>({
  name: "gather",
  selects: { table: 0, rows: 1 },
  infer: ([table, indices]) => [
    { dtype: table!.dtype, shape: [...indices!.shape, ...table!.shape.slice(1)] },
  ],
  gradient: ({ inputs: [table, indices], cotangents: [g] }) => {
    const rows = reshape(g!, [sizeOf(indices!.shape), ...table!.shape.slice(1)]);
    const flat = reshape(indices!, [sizeOf(indices!.shape)]);
    return [scatterAdd(fill(g!.graph, table!.shape, 0), flat, rows), null];
  },
  lower: (e, inputs) => e.node("Gather", inputs, { attributes: { axis: 0 } }),
  reference: ([table, indices], _, [shape]) => {
    const width = table!.shape.slice(1).reduce((a, b) => a * b, 1);
    const out = ndarray(shape!);
    indices!.data.forEach((row, k) => {
      out.data.set(table!.data.subarray(row * width, (row + 1) * width), k * width);
    });
    return [out];
  },
  samples: [
    { inputs: [f(5, 3), i([2, 4], 5)] }, // repeated indices are certain
    { inputs: [f(4), i([6], 4)] },
    { inputs: [f(4, 2, 3), i([3], 4)] },
  ],
});

const scatterAddOp = defineOp<None>({
  name: "scatterAdd",
  infer: ([base, indices, updates]) => {
    if (
      !sameDims(updates!.shape, [...indices!.shape, ...base!.shape.slice(1)]) ||
      indices!.shape.length !== 1
    ) {
      const shown = [base!, indices!, updates!].map(formatSpec).join(", ");
      throw new ShapeError(
        "scatterAdd",
        `scatterAdd: base [N, …], indices [K] and updates [K, …] do not fit: ${shown}`,
      );
    }
    return [base!];
  },
  gradient: ({ inputs: [, indices], cotangents: [g] }) => [g!, null, gather(g!, indices!)],
  lower: (e, [base, indices, updates], _, node) => {
    // ScatterND with reduction=add loses updates to repeated rows when it runs on several threads; ScatterElements does not.
    const [, rows, values] = node.inputs;
    const shape = e.shape(values!) as number[];
    const column = shape.map((size, axis) => (axis === 0 ? size : 1));
    const spread = e.node("Reshape", [indices!, e.constant("int64", [column.length], column)])[0]!;
    const wide =
      rows!.rank === shape.length
        ? spread
        : e.node("Expand", [spread, e.constant("int64", [shape.length], shape)])[0]!;
    return e.node("ScatterElements", [base!, wide, updates!], { attributes: { axis: 0, reduction: "add" } });
  },
  reference: ([base, indices, updates]) => {
    const width = base!.shape.slice(1).reduce((a, b) => a * b, 1);
    const data = base!.data.slice();
    indices!.data.forEach((row, k) => {
      for (let c = 0; c < width; c++) data[row * width + c]! += updates!.data[k * width + c]!;
    });
    return [{ data, shape: base!.shape }];
  },
  samples: [{ inputs: [f(4, 3), i([7], 4), f(7, 3)] }, { inputs: [f(3), i([5], 3), f(5)] }],
});

/** One element of each last-axis row: [R, N] and indices [R] → [R]. */
const takeOp = defineOp<None>({
  name: "take",
  infer: ([x, indices]) => {
    if (!sameDims(indices!.shape, x!.shape.slice(0, -1))) {
      throw new ShapeError(
        "take",
        `take: indices ${formatSpec(indices!)} must be one for each row of ${formatSpec(x!)}`,
      );
    }
    return [{ dtype: x!.dtype, shape: indices!.shape }];
  },
  gradient: ({ inputs: [x, indices], cotangents: [g] }) => {
    const rows = sizeOf(indices!.shape);
    const hot = oneHot(reshape(indices!, [rows]), x!.size(-1) as number);
    return [reshape(mul(hot, reshape(g!, [rows, 1])), x!.shape), null];
  },
  lower: (e, [x, indices], _, node) => {
    const axis = node.inputs[0]!.rank - 1;
    const column = e.node("Unsqueeze", [indices!, e.constant("int64", [1], [axis])])[0]!;
    const taken = e.node("GatherElements", [x!, column], { attributes: { axis } })[0]!;
    return e.node("Squeeze", [taken, e.constant("int64", [1], [axis])]);
  },
  reference: ([x, indices], _, [shape]) => [
    ndarray(shape!, (k) => x!.data[k * x!.shape.at(-1)! + indices!.data[k]!]!),
  ],
  samples: [{ inputs: [f(4, 3), i([4], 3)] }, { inputs: [f(2, 3, 5), i([2, 3], 5)] }],
});

interface OneHotAttributes extends Record<string, unknown> {
  readonly classes: number;
}
const oneHotOp = defineOp<OneHotAttributes>({
  name: "oneHot",
  infer: ([indices], { classes }) => [{ dtype: "float32", shape: [...indices!.shape, classes] }],
  gradient: "zero",
  lower: (e, [indices], { classes }) =>
    // ONNX Runtime has OneHot for int64 indices only.
    e.node(
      "OneHot",
      [
        e.node("Cast", [indices!], { attributes: { to: 7 } })[0]!,
        e.constant("int64", [1], [classes]),
        e.constant("float32", [2], [0, 1]),
      ],
      {
        attributes: { axis: -1 },
      },
    ),
  reference: ([indices], { classes }, [shape]) => [
    ndarray(shape!, (flat) => Number(indices!.data[Math.floor(flat / classes)] === flat % classes)),
  ],
  samples: [{ inputs: [i([3], 4)], attributes: { classes: 4 } }],
});

/** Rows of a table: [N, …] and indices [I…] → [I…, …]. */
export const gather = (table: Value, indices: Value): Value =>
  table.graph.apply(gatherOp, [table, indices], {})[0]!;
/** base + updates added at rows `indices` (repeated rows add up): [N, …], [K], [K, …] → [N, …]. */
export const scatterAdd = (base: Value, indices: Value, updates: Value): Value =>
  base.graph.apply(scatterAddOp, [base, indices, updates], {})[0]!;
export const take = (x: Value, indices: Value): Value => x.graph.apply(takeOp, [x, indices], {})[0]!;
export const oneHot = (indices: Value, classes: number): Value =>
  indices.graph.apply(oneHotOp, [indices], { classes })[0]!;
/** Row-wise inner products: [R, D] · [R, D] → [R]. */
export const rowDot = (a: Value, b: Value): Value => sum(mul(a, b), [-1]);

export const gatherOps = [gatherOp, scatterAddOp, takeOp, oneHotOp];
