/** @file Norms and logarithms of sums over axes. */
import { zipWith } from "../../tensor/ndarray.ts";
import { sign } from "./arithmetic.ts";
import { equal } from "./compare.ts";
import { maximum } from "./extremes.ts";
import { div, exp, mul, sub } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { addUp, folding, mapped, reducer, reduction } from "./reduction.ts";
import { where } from "./select.ts";

const l1Op = reduction("l1", {
  onnx: "ReduceL1",
  of: folding(0, (a, b) => a + Math.abs(b)),
  gradient: ({ x, g }) => mul(g, sign(x)),
});

const squares = folding(0, (a, b) => a + b * b);

/** At the zero vector, where it has no gradient, that is taken as 0. */
const l2Op = reduction("l2", {
  onnx: "ReduceL2",
  of: (x, axes, keep) => mapped(squares(x, axes, keep), Math.sqrt),
  gradient: ({ x, y, g }) => mul(x, div(g, where(equal(y, 0), 1, y))),
});

const sumSquareOp = reduction("sumSquare", {
  onnx: "ReduceSumSquare",
  of: squares,
  gradient: ({ x, g }) => mul(mul(g, 2), x),
});

const logSumOp = reduction("logSum", {
  onnx: "ReduceLogSum",
  of: (x, axes, keep) => mapped(addUp(x, axes, keep), Math.log),
  gradient: ({ x, g, axes }) => div(g, sum(x, axes, { keep: true })),
  draw: { positive: true },
});

const highest = folding(Number.NEGATIVE_INFINITY, Math.max);
/** Stands for −∞ where that must be subtracted. */
const lowest = -3.4e38;

const logSumExpOp = reduction("logSumExp", {
  onnx: "ReduceLogSumExp",
  of: (x, axes, keep) => {
    const high = mapped(highest(x, axes, true), (v) => Math.max(v, lowest));
    const total = addUp(
      zipWith((v, h) => Math.exp(v! - h!), x, high),
      axes,
      keep,
    );
    return { shape: total.shape, data: total.data.map((v, i) => Math.log(v) + high.data[i]!) };
  },
  gradient: ({ x, y, g }) => mul(g, exp(sub(x, maximum(y, lowest)))),
});

/** Sums of absolute values. */
export const l1 = reducer(l1Op);
/** Square roots of sums of squares. */
export const l2 = reducer(l2Op);
export const sumSquare = reducer(sumSquareOp);
/** log(Σ x). */
export const logSum = reducer(logSumOp);
/** log(Σ eˣ), without overflow. */
export const logSumExp = reducer(logSumExpOp);

export const normOps = [l1Op, l2Op, sumSquareOp, logSumOp, logSumExpOp];
