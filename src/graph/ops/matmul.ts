/** @file Matrix products. Transposition and scale are attributes, so that every gradient is again one product. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { type Dim, formatSpec, multiplyDims, sizeOf, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { reshape } from "./shape.ts";

interface MatmulAttributes extends Record<string, unknown> {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly scale: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });

function infer([a, b]: readonly TensorSpec[], { transA, transB }: MatmulAttributes): TensorSpec[] {
  const shown = `${formatSpec(a!)}${transA ? "ᵀ" : ""} × ${formatSpec(b!)}${transB ? "ᵀ" : ""}`;
  if (a!.shape.length < 2 || b!.shape.length < 2) {
    throw new ShapeError("matmul", `matmul: both operands need two axes or more: ${shown}`);
  }
  const [rows, innerA] = lastTwo(a!, transA);
  const [innerB, columns] = lastTwo(b!, transB);
  if (innerA !== innerB)
    throw new ShapeError("matmul", `matmul: inner dims differ: ${shown} (${innerA} ≠ ${innerB})`);
  const batch = a!.shape.slice(0, -2);
  if (b!.shape.length > 2 && !sameDims(batch, b!.shape.slice(0, -2))) {
    throw new ShapeError("matmul", `matmul: batch dims differ: ${shown}`);
  }
  return [{ dtype: a!.dtype, shape: [...batch, rows, columns] }];
}

const lastTwo = ({ shape }: TensorSpec, transposed: boolean): [Dim, Dim] =>
  transposed ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];

/** [B…, M, K] → [B…·M, K]. */
export function flattenRows(x: Value): Value {
  const rows = x.shape.slice(0, -1).reduce<Dim>(multiplyDims, 1);
  return reshape(x, [rows, x.size(-1)]);
}

export const matmulOp = defineOp<MatmulAttributes>({
  name: "matmul",
  infer,
  gradient: ({ inputs, cotangents, attributes: { transA, transB, scale }, needs }) => {
    const [a, b] = inputs as [Value, Value];
    const g = cotangents[0]!;
    const options = { scale };
    const da = !needs[0]
      ? null
      : transA
        ? matmul(b, g, { ...options, transA: transB, transB: true })
        : matmul(g, b, { ...options, transB: !transB });
    if (!needs[1]) return [da, null];
    // One matrix shared by a batch: its gradient is one product over all rows.
    const shared = b.rank === 2 && a.rank > 2 && !transA;
    const [left, right] = shared ? [flattenRows(a), flattenRows(g)] : [a, g];
    const db = transB
      ? matmul(right, left, { ...options, transA: true, transB: transA })
      : matmul(left, right, { ...options, transA: !transA });
    return [da, db];
  },
  lower: (e, inputs, { transA, transB, scale }) => {
    if (!transA && !transB && scale === 1) return e.node("MatMul", inputs);
    const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: scale } };
    return e.node("FusedMatMul", inputs, { domain: "com.microsoft", attributes });
  },
  reference: ([a, b], { transA, transB, scale }, [shape]) => {
    const inner = a!.shape.at(transA ? -2 : -1)!;
    return [
      ndarray(shape!, (flat) => {
        const index = unravel(flat, shape!);
        const batch = index.slice(0, -2);
        const [i, j] = [index.at(-2)!, index.at(-1)!];
        let total = 0;
        for (let k = 0; k < inner; k++) {
          const left = ravel([...batch, ...(transA ? [k, i] : [i, k])], a!.shape);
          const right = ravel(
            [...(b!.shape.length > 2 ? batch : []), ...(transB ? [j, k] : [k, j])],
            b!.shape,
          );
          total += a!.data[left]! * b!.data[right]!;
        }
        return total * scale;
      }),
    ];
  },
  samples: [
    { inputs: [f(3, 4), f(4, 2)], attributes: { transA: false, transB: false, scale: 1 } },
    { inputs: [f(3, 4), f(2, 4)], attributes: { transA: false, transB: true, scale: 0.5 } },
    { inputs: [f(4, 3), f(4, 2)], attributes: { transA: true, transB: false, scale: 1 } },
    { inputs: [f(4, 3), f(2, 4)], attributes: { transA: true, transB: true, scale: 2 } },
    { inputs: [f(2, 3, 4), f(4, 5)], attributes: { transA: false, transB: false, scale: 1 } },
    { inputs: [f(2, 3, 4), f(5, 4)], attributes: { transA: false, transB: true, scale: 1 } },
    { inputs: [f(2, 3, 1, 4), f(2, 3, 5, 4)], attributes: { transA: false, transB: true, scale: 0.25 } },
    { inputs: [f(2, 4, 3), f(2, 4, 5)], attributes: { transA: true, transB: false, scale: 1 } },
    { inputs: [f(2, 4, 3), f(2, 5, 4)], attributes: { transA: true, transB: true, scale: 1 } },
  ],
});

export interface MatmulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Multiplies the product. */
  readonly scale?: number;
}

/** [B…, M, K] × [K, N] or [B…, K, N] → [B…, M, N]; the transposes apply to the last two axes. */
export function matmul(
  a: Value,
  b: Value,
  { transA = false, transB = false, scale = 1 }: MatmulOptions = {},
): Value {
  if (transA && b.rank === 2 && a.rank > 2) {
    throw new ShapeError(
      "matmul",
      `matmul: a transposed batch times one shared matrix is not supported; ${sizeOf(a.shape)} elements`,
    );
  }
  return a.graph.apply(matmulOp, [a, b], { transA, transB, scale })[0]!;
}
