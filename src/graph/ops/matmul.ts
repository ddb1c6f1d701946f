/** @file Matrix products. Transposition and scale are attributes, so that every gradient is again one product. */
import { ShapeError } from "../../tensor/errors.ts";
import { broadcastIndex, ndarray } from "../../tensor/ndarray.ts";
import {
  broadcastShapes,
  type Dim,
  formatSpec,
  isFloat,
  multiplyDims,
  type TensorSpec,
} from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter } from "../op.ts";
import { reshape } from "./shape.ts";

interface MatmulAttributes extends Record<string, unknown> {
  readonly transA: boolean;
  readonly transB: boolean;
  readonly scale: number;
}

const plain = { transA: false, transB: false, scale: 1 };
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (dtype: "int32" | "int64", ...shape: number[]) => ({ dtype, shape, high: 9 });

function infer([a, b]: readonly TensorSpec[], { transA, transB, scale }: MatmulAttributes): TensorSpec[] {
  const shown = `${formatSpec(a!)}${transA ? "ᵀ" : ""} × ${formatSpec(b!)}${transB ? "ᵀ" : ""}`;
  if (a!.dtype !== b!.dtype) throw new ShapeError("matmul", `matmul: element types differ: ${shown}`);
  if (a!.dtype === "uint8" || a!.dtype === "bool")
    throw new ShapeError("matmul", `matmul: there is no product of ${a!.dtype}: ${shown} (cast to int32)`);
  if (!isFloat(a!.dtype) && scale !== 1)
    throw new ShapeError("matmul", `matmul: integers have no scale: ${shown} × ${scale}`);
  if (a!.shape.length < 2 || b!.shape.length < 2) {
    throw new ShapeError("matmul", `matmul: both operands need two axes or more: ${shown}`);
  }
  const [rows, innerA] = lastTwo(a!, transA);
  const [innerB, columns] = lastTwo(b!, transB);
  if (innerA !== innerB)
    throw new ShapeError("matmul", `matmul: inner dims differ: ${shown} (${innerA} ≠ ${innerB})`);
  const batch = broadcastShapes(
    `matmul: batch dims of ${shown}`,
    a!.shape.slice(0, -2),
    b!.shape.slice(0, -2),
  );
  return [{ dtype: a!.dtype, shape: [...batch, rows, columns] }];
}

const lastTwo = ({ shape }: TensorSpec, transposed: boolean): [Dim, Dim] =>
  transposed ? [shape.at(-1)!, shape.at(-2)!] : [shape.at(-2)!, shape.at(-1)!];

/** Exchanges the last two axes. */
function swapped(e: Emitter, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  const perm = [...axes.slice(0, -2), rank - 1, rank - 2];
  return e.node("Transpose", [x], { attributes: { perm } })[0]!;
}

/** [B…, M, K] → [B…·M, K]. */
export function flattenRows(x: Value): Value {
  const rows = x.shape.slice(0, -1).reduce<Dim>(multiplyDims, 1);
  return reshape(x, [rows, x.size(-1)]);
}

export const matmulOp = defineOp<MatmulAttributes>({
  name: "matmul",
  shapes: "matrices",
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
  lower: (e, inputs, { transA, transB, scale }, { inputs: [a, b], outputs: [y] }) => {
    // ONNX Runtime leaves sums of nothing unset, and cannot broadcast batches of no matrices.
    if (e.shape(a!).at(transA ? -2 : -1) === 0 || e.shape(y!).slice(0, -2).includes(0))
      return e.node("Expand", [e.constant(y!.dtype, [], [0]), e.dims(y!.shape)]);
    if (!transA && !transB && scale === 1) return e.node("MatMul", inputs);
    if (!isFloat(a!.dtype)) {
      const left = transA ? swapped(e, inputs[0]!, a!.rank) : inputs[0]!;
      return e.node("MatMul", [left, transB ? swapped(e, inputs[1]!, b!.rank) : inputs[1]!]);
    }
    const attributes = { transA: Number(transA), transB: Number(transB), alpha: { float: scale } };
    return e.node("FusedMatMul", inputs, { domain: "com.microsoft", attributes });
  },
  reference: ([a, b], { transA, transB, scale }, [shape]) => {
    const [m, n] = shape!.slice(-2) as [number, number];
    const inner = a!.shape.at(transA ? -2 : -1)!;
    const batch = shape!.slice(0, -2);
    const [leftOf, rightOf] = [a!, b!].map((x) => broadcastIndex(x.shape.slice(0, -2), batch));
    const [ai, ak] = transA ? [1, m] : [inner, 1];
    const [bk, bj] = transB ? [1, inner] : [n, 1];
    const out = ndarray(shape!);
    for (let flat = 0; flat < out.data.length; flat++) {
      const cell = flat % (m * n);
      const at = (flat - cell) / (m * n);
      const left = leftOf!(at) * m * inner + Math.floor(cell / n) * ai;
      const right = rightOf!(at) * inner * n + (cell % n) * bj;
      let total = 0;
      for (let k = 0; k < inner; k++) total += a!.data[left + k * ak]! * b!.data[right + k * bk]!;
      out.data[flat] = total * scale;
    }
    return [out];
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
    { inputs: [f(3, 4), f(2, 4, 2)], attributes: plain },
    { inputs: [f(2, 1, 3, 4), f(5, 4, 2)], attributes: { transA: false, transB: false, scale: 3 } },
    { inputs: [f(1, 4, 3), f(2, 2, 4)], attributes: { transA: true, transB: true, scale: 1 } },
    { inputs: [f(2, 4, 3), f(4, 5)], attributes: { transA: true, transB: false, scale: 1 } },
    { inputs: [f(2, 4, 3), f(5, 4)], attributes: { transA: true, transB: true, scale: 1 } },
    { inputs: [f(4, 3), f(2, 5, 4)], attributes: { transA: true, transB: true, scale: 0.5 } },
    { inputs: [f(2, 0), f(0, 3)], attributes: plain },
    { inputs: [f(2, 0, 4), f(3, 4)], attributes: { transA: false, transB: true, scale: 1 } },
    { inputs: [i("int64", 2, 3, 4), i("int64", 4, 2)], attributes: plain },
    { inputs: [i("int32", 2, 4, 3), i("int32", 2, 4)], attributes: { transA: true, transB: true, scale: 1 } },
  ],
});

export interface MatmulOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  /** Multiplies the product. */
  readonly scale?: number;
}

/**
 * [B…, M, K] × [B…, K, N] → [B…, M, N]; leading axes broadcast, and the transposes apply to the last two axes. An
 * operand of one axis is a row on the left, a column on the right, and that axis is not in the product.
 */
export function matmul(
  a: Value,
  b: Value,
  { transA = false, transB = false, scale = 1 }: MatmulOptions = {},
): Value {
  if (a.rank === 1 || b.rank === 1) return vectorProduct(a, b, { transA, transB, scale });
  return a.graph.apply(matmulOp, [a, b], { transA, transB, scale })[0]!;
}

function vectorProduct(a: Value, b: Value, options: MatmulAttributes): Value {
  const left = a.rank === 1 ? reshape(a, [1, a.size(0)]) : a;
  const right = b.rank === 1 ? reshape(b, [b.size(0), 1]) : b;
  const transA = options.transA && a.rank > 1;
  const transB = options.transB && b.rank > 1;
  const y = matmul(left, right, { ...options, transA, transB });
  const rows = a.rank === 1 ? [] : y.shape.slice(-2, -1);
  return reshape(y, [...y.shape.slice(0, -2), ...rows, ...(b.rank === 1 ? [] : y.shape.slice(-1))]);
}
