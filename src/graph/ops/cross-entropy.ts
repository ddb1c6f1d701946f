/** @file Softmax cross-entropy of inner products with a table: the loss head, fused so that few passes touch [T, N]. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { formatSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { gather, scatterAdd } from "./gather.ts";
import { matmul, matmulOp } from "./matmul.ts";
import { logSumExp, softmaxRows } from "./normalize.ts";
import { mul, neg, sub } from "./pointwise.ts";
import { reshape } from "./shape.ts";

interface CrossEntropyAttributes extends Record<string, unknown> {
  /** Multiplies the inner products before the softmax (1/temperature). */
  readonly scale: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const smallest = 1e-37; // the loss (not its gradient) saturates at 85 nats, above what float32 probabilities can say

/** Outputs: the loss of each row [T], and the probabilities [T, N], which only the gradient uses. */
const crossEntropyOp = defineOp<CrossEntropyAttributes>({
  name: "crossEntropy",
  infer: ([h, table, target]) => {
    const fits = h!.shape.length === 2 && table!.shape.length === 2 && h!.shape[1] === table!.shape[1];
    if (!fits || target!.shape.length !== 1 || target!.shape[0] !== h!.shape[0]) {
      const shown = [h!, table!, target!].map(formatSpec).join(", ");
      throw new ShapeError("crossEntropy", `crossEntropy: states [T, D], table [N, D] and targets [T] do not fit: ${shown}`);
    }
    return [
      { dtype: h!.dtype, shape: [h!.shape[0]!] },
      { dtype: h!.dtype, shape: [h!.shape[0]!, table!.shape[0]!] },
    ];
  },
  // With p = softmax(scale·h·Eᵀ): dh = scale·g·(p·E − E[target]) and dE = scale·(pᵀ·(g·h) − scatter(target, g·h)).
  // The one-hot part acts on [T, D] operands, so [T, N] is read by two matrix products and by nothing else.
  gradient: ({ inputs: [h, table, target], outputs: [, p], cotangents: [g, gp], attributes: { scale }, needs }) => {
    if (gp !== null) throw new ShapeError("crossEntropy", "crossEntropy: its saved probabilities have no gradient");
    const weight = reshape(mul(g!, scale), [h!.shape[0]!, 1]);
    const dh = needs[0] ? mul(weight, sub(matmul(p!, table!), gather(table!, target!))) : null;
    if (!needs[1]) return [dh, null, null];
    const weighted = mul(weight, h!);
    return [dh, scatterAdd(matmul(p!, weighted, { transA: true }), target!, neg(weighted)), null];
  },
  lower: (e, [h, table, target], { scale }, node) => {
    const logits = matmulOp.lower(e, [h!, table!], { transA: false, transB: true, scale }, node)[0]!;
    const p = e.node("Softmax", [logits], { attributes: { axis: -1 } })[0]!;
    const column = e.node("Unsqueeze", [target!, e.constant("int64", [1], [1])])[0]!;
    const taken = e.node("GatherElements", [p, column], { attributes: { axis: 1 } })[0]!;
    const flat = e.node("Squeeze", [taken, e.constant("int64", [1], [1])])[0]!;
    const bounded = e.node("Max", [flat, e.constant("float32", [], [smallest])])[0]!;
    return [e.node("Neg", e.node("Log", [bounded]))[0]!, p];
  },
  reference: ([h, table, target], { scale }, shapes) => {
    const attributes = { transA: false, transB: true, scale };
    const [logits] = matmulOp.reference([h!, table!], attributes, [shapes[1]!]) as [NdArray];
    const n = table!.shape[0]!;
    const loss = ndarray(shapes[0]!, (t) => {
      const row = logits.data.subarray(t * n, (t + 1) * n);
      return logSumExp(row) - row[target!.data[t]!]!;
    });
    return [loss, softmaxRows(logits)];
  },
  samples: [
    { inputs: [f(5, 3), f(7, 3), i([5], 7)], attributes: { scale: 1 } },
    { inputs: [f(4, 2), f(3, 2), i([4], 3)], attributes: { scale: 2.5 } },
  ],
});

/** −log softmax(scale · h · tableᵀ)[target] of each row: [T, D], [N, D], int32 [T] → [T]. */
export const crossEntropy = (h: Value, table: Value, target: Value, scale = 1): Value =>
  h.graph.apply(crossEntropyOp, [h, table, target], { scale })[0]!;

export const crossEntropyOps = [crossEntropyOp];
