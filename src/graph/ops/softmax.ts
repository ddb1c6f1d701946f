/** @file Softmax and its logarithm, over any axis. */
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { count, normalizeAxis } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type OpDef, type Sample } from "../op.ts";
import { exp, mul, sub } from "./pointwise.ts";
import { sum } from "./reduce.ts";

interface AxisAttributes extends Record<string, unknown> {
  readonly axis: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const samples: Sample<AxisAttributes>[] = [
  { inputs: [f(3, 5)], attributes: { axis: 1 } },
  { inputs: [f(2, 2, 4)], attributes: { axis: 2 } },
  { inputs: [f(2, 3, 4)], attributes: { axis: 1 } },
  { inputs: [f(3, 2)], attributes: { axis: 0 } },
  { inputs: [f(2, 1)], attributes: { axis: 1 } },
  { inputs: [f(0, 3)], attributes: { axis: 1 } },
  { inputs: [{ ...f(1, 3), values: [-1000, 500, 499] }], attributes: { axis: 1 } },
  { inputs: [{ dtype: "float64", shape: [2, 3] }], attributes: { axis: 0 } },
];

/** Applies a row function along one axis. */
function mapRows(x: NdArray, axis: number, row: (values: Float64Array) => ArrayLike<number>): NdArray {
  const width = x.shape[axis]!;
  const inner = count(x.shape.slice(axis + 1));
  const out = ndarray(x.shape);
  for (let r = 0; r < out.data.length / width; r++) {
    const start = Math.floor(r / inner) * width * inner + (r % inner);
    const at = Float64Array.from({ length: width }, (_, k) => x.data[start + k * inner]!);
    Array.from(row(at)).forEach((v, k) => {
      out.data[start + k * inner] = v;
    });
  }
  return out;
}

export function logSumExpOf(row: ArrayLike<number>): number {
  const values = Array.from(row);
  const top = Math.max(...values);
  return top + Math.log(values.reduce((total, v) => total + Math.exp(v - top), 0));
}

/** Softmax of each row of a matrix. */
export const softmaxRows = (x: NdArray): NdArray => softmaxAlong(x, x.shape.length - 1);

const softmaxAlong = (x: NdArray, axis: number): NdArray =>
  mapRows(x, axis, (row) => {
    const z = logSumExpOf(row);
    return row.map((v) => Math.exp(v - z));
  });

const lowerAs =
  (type: string): OpDef<AxisAttributes>["lower"] =>
  (e, inputs, { axis }, { inputs: [x] }) =>
    e.node(type, inputs, { attributes: { axis: axis === x!.rank - 1 ? -1 : axis } });

const softmaxOp = defineOp<AxisAttributes>({
  name: "softmax",
  shapes: "axis",
  infer: ([x]) => [x!],
  gradient: ({ outputs: [y], cotangents: [g], attributes: { axis } }) => {
    const gy = mul(g!, y!);
    return [sub(gy, mul(y!, sum(gy, [axis], { keep: true })))];
  },
  lower: lowerAs("Softmax"),
  reference: ([x], { axis }) => [softmaxAlong(x!, axis)],
  samples,
});

const logSoftmaxOp = defineOp<AxisAttributes>({
  name: "logSoftmax",
  shapes: "axis",
  infer: ([x]) => [x!],
  gradient: ({ outputs: [y], cotangents: [g], attributes: { axis } }) => [
    sub(g!, mul(exp(y!), sum(g!, [axis], { keep: true }))),
  ],
  lower: lowerAs("LogSoftmax"),
  reference: ([x], { axis }) => [
    mapRows(x!, axis, (row) => {
      const z = logSumExpOf(row);
      return row.map((v) => v - z);
    }),
  ],
  samples,
});

const along =
  (op: OpDef<AxisAttributes>) =>
  (x: Value, axis = -1): Value =>
    x.graph.apply(op, [x], { axis: normalizeAxis(axis, x.rank, op.name) })[0]!;

/** Softmax over one axis, by default the last. */
export const softmax = along(softmaxOp);
/** Logarithm of softmax over one axis, by default the last. */
export const logSoftmax = along(logSoftmaxOp);

export const softmaxOps = [softmaxOp, logSoftmaxOp];
