/** @file The softmax normaliser of inner products with a table: the loss head, fused so that few passes touch [T, N]. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { formatSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { gather, rowDot } from "./gather.ts";
import { concat } from "./join.ts";
import { matmul, matmulOp } from "./matmul.ts";
import { mul, sub } from "./pointwise.ts";
import { reshape, transpose } from "./shape.ts";
import { slice } from "./slice.ts";
import { logSumExpOf, softmaxRows } from "./softmax.ts";

interface ScaleAttributes extends Record<string, unknown> {
  /** Multiplies the inner products (1/temperature). */
  readonly scale: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const smallest = 1e-37; // below what float32 probabilities can say: the value (not its gradient) is then too small

/**
 * log Σₙ exp(scale · (h·C)ₙ) of each row [T] for columns C [D, N], and the probabilities [T, N], which only the gradient uses. The softmax
 * does not give its normaliser away, so it is recovered at one column: log Σ = logit − log p. Any column is right in
 * exact arithmetic; `anchor` [T] names one whose probability does not vanish.
 */
const tableLogSumExpOp = defineOp<ScaleAttributes>({
  name: "tableLogSumExp",
  infer: ([h, columns, anchor]) => {
    const fits = h!.shape.length === 2 && columns!.shape.length === 2 && h!.shape[1] === columns!.shape[0];
    if (!fits || anchor!.shape.length !== 1 || anchor!.shape[0] !== h!.shape[0]) {
      const shown = [h!, columns!, anchor!].map(formatSpec).join(", ");
      throw new ShapeError(
        "cross-entropy",
        `crossEntropy: states [T, D], columns [D, N] and targets [T] do not fit: ${shown}`,
      );
    }
    return [
      { dtype: h!.dtype, shape: [h!.shape[0]!] },
      { dtype: h!.dtype, shape: [h!.shape[0]!, columns!.shape[1]!] },
    ];
  },
  // dh = scale·g·(p·Cᵀ) and dC = scale·(g·h)ᵀ·p: [T, N] is read by two matrix products and by nothing else. Columns,
  // because (g·h)ᵀ·p then is the gradient itself; packing pᵀ for a gradient [N, D] costs more than the product.
  gradient: ({ inputs: [h, columns], outputs: [, p], cotangents: [g, gp], attributes: { scale }, needs }) => {
    if (gp !== null)
      throw new ShapeError("cross-entropy", "crossEntropy: its saved probabilities have no gradient");
    const weight = reshape(mul(g!, scale), [h!.shape[0]!, 1]);
    const dh = needs[0] ? mul(weight, matmul(p!, columns!, { transB: true })) : null;
    const across = mul(transpose(h!, [1, 0]), reshape(weight, [1, h!.shape[0]!]));
    return [dh, needs[1] ? matmul(across, p!) : null, null];
  },
  lower: (e, [h, columns, anchor], { scale }, node) => {
    const logits = matmulOp.lower(e, [h!, columns!], { transA: false, transB: false, scale }, node)[0]!;
    const p = e.node("Softmax", [logits], { attributes: { axis: -1 } })[0]!;
    const one = e.constant("int64", [1], [1]);
    const column = e.node("Unsqueeze", [anchor!, one])[0]!;
    const at = (x: string): string =>
      e.node("Squeeze", [e.node("GatherElements", [x, column], { attributes: { axis: 1 } })[0]!, one])[0]!;
    const bounded = e.node("Max", [at(p), e.constant("float32", [], [smallest])])[0]!;
    return [e.node("Sub", [at(logits), e.node("Log", [bounded])[0]!])[0]!, p];
  },
  reference: ([h, columns], { scale }, shapes) => {
    const attributes = { transA: false, transB: false, scale };
    const [logits] = matmulOp.reference([h!, columns!], attributes, [shapes[1]!]) as [NdArray];
    const n = columns!.shape[1]!;
    return [
      ndarray(shapes[0]!, (t) => logSumExpOf(logits.data.subarray(t * n, (t + 1) * n))),
      softmaxRows(logits),
    ];
  },
  samples: [
    { inputs: [f(5, 3), f(3, 7), i([5], 7)], attributes: { scale: 1 } },
    { inputs: [f(4, 2), f(2, 3), i([4], 3)], attributes: { scale: 2.5 } },
  ],
});

/** log Σₙ exp(scale · (h·columns)ₙ): [T, D], [D, N] → [T]; `anchor` is int32 [T], see above. */
export const tableLogSumExp = (h: Value, columns: Value, anchor: Value, scale = 1): Value =>
  h.graph.apply(tableLogSumExpOp, [h, columns, anchor], { scale })[0]!;

export interface CrossEntropyOptions {
  /** Multiplies the inner products (1/temperature). */
  readonly scale?: number;
  /** Rows whose scores are computed together; bounds the memory, not the result. All, where their number is open. */
  readonly chunk?: number;
  /** Vectors of the targets [T, D], where they are at hand without a look-up in `table`. */
  readonly targets?: Value;
}

/** −log softmax(scale · h · tableᵀ)[target] of each row: [T, D], [N, D], int32 [T] → [T]. */
export function crossEntropy(
  h: Value,
  table: Value,
  target: Value,
  { scale = 1, chunk = 1024, targets = gather(table, target) }: CrossEntropyOptions = {},
): Value {
  const rows = h.size(0);
  const columns = transpose(table, [1, 0]);
  const part = (start: number, end: number): Value =>
    tableLogSumExp(slice(h, 0, start, end), columns, slice(target, 0, start, end), scale);
  const all =
    typeof rows === "string" || rows <= chunk
      ? tableLogSumExp(h, columns, target, scale) // an open number of rows cannot be cut into chunks
      : concat(
          Array.from({ length: Math.ceil(rows / chunk) }, (_, k) =>
            part(k * chunk, Math.min((k + 1) * chunk, rows)),
          ),
          0,
        );
  return sub(all, mul(rowDot(h, targets), scale));
}

export const crossEntropyOps = [tableLogSumExpOp];
