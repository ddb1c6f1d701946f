/** @file Softmax and its logarithm. */
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Sample } from "../op.ts";
import { exp, mul, sub } from "./pointwise.ts";
import { sum } from "./reduce.ts";

type None = Record<string, never>;
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const samples: Sample<None>[] = [{ inputs: [f(3, 5)] }, { inputs: [f(2, 2, 4)] }, { inputs: [f(2, 1)] }];

/** Applies a row function to every last-axis row. */
function mapRows(x: NdArray, row: (values: Float64Array) => ArrayLike<number>): NdArray {
  const width = x.shape.at(-1)!;
  const out = ndarray(x.shape);
  for (let i = 0; i < x.data.length; i += width) out.data.set(row(x.data.subarray(i, i + width)), i);
  return out;
}

export function logSumExp(row: ArrayLike<number>): number {
  const values = Array.from(row);
  const top = Math.max(...values);
  return top + Math.log(values.reduce((total, v) => total + Math.exp(v - top), 0));
}

export const softmaxRows = (x: NdArray): NdArray =>
  mapRows(x, (row) => {
    const z = logSumExp(row);
    return row.map((v) => Math.exp(v - z));
  });

const softmaxOp = defineOp<None>({
  name: "softmax",
  infer: ([x]) => [x!],
  gradient: ({ outputs: [y], cotangents: [g] }) => {
    const gy = mul(g!, y!);
    return [sub(gy, mul(y!, sum(gy, [-1], { keep: true })))];
  },
  lower: (e, inputs) => e.node("Softmax", inputs, { attributes: { axis: -1 } }),
  reference: ([x]) => [softmaxRows(x!)],
  samples,
});

const logSoftmaxOp = defineOp<None>({
  name: "logSoftmax",
  infer: ([x]) => [x!],
  gradient: ({ outputs: [y], cotangents: [g] }) => [sub(g!, mul(exp(y!), sum(g!, [-1], { keep: true })))],
  lower: (e, inputs) => e.node("LogSoftmax", inputs, { attributes: { axis: -1 } }),
  reference: ([x]) => [
    mapRows(x!, (row) => {
      const z = logSumExp(row);
      return row.map((v) => v - z);
    }),
  ],
  samples,
});

/** Softmax over the last axis. */
export const softmax = (x: Value): Value => x.graph.apply(softmaxOp, [x], {})[0]!;
/** Logarithm of softmax over the last axis. */
export const logSoftmax = (x: Value): Value => x.graph.apply(logSoftmaxOp, [x], {})[0]!;

export const softmaxOps = [softmaxOp, logSoftmaxOp];
