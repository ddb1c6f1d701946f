/** @file The loss head: softmax cross-entropy over a table, chunk by chunk, so that no [T, N] is ever held at once. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { formatSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter } from "../op.ts";
import { oneAfter } from "./barrier.ts";
import { fill } from "./constant.ts";
import { gather, rowDot } from "./gather.ts";
import { matmulOp } from "./matmul.ts";
import { div, mul, sub } from "./pointwise.ts";
import { sum } from "./reduce.ts";
import { transpose } from "./shape.ts";
import { logSumExpOf, softmaxRows } from "./softmax.ts";

interface HeadAttributes extends Record<string, unknown> {
  /** Multiplies the inner products (1/temperature). */
  readonly scale: number;
  /** Rows that are computed together. */
  readonly chunk: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const smallest = 1e-37; // below what float32 probabilities can say: the value (not its gradient) is then too small

/**
 * Σₜ wₜ · log Σₙ exp(scale · (h·C)ₜₙ) for states h [T, D], columns C [D, N], anchors int32 [T] and weights w [T]; with it
 * the log Σ of each row [T] and the gradients with respect to h [T, D] and C [D, N], which only the gradient uses.
 *
 * The gradients are computed with the value, while a chunk's probabilities are at hand: a backward pass of its own
 * would have to keep them all or compute them again. They are known up to the factor that arrives, because the weights
 * are inputs; source: the fused linear cross-entropy of Hsu et al. 2024 (Liger), arXiv:2410.10989.
 *
 * The softmax does not give its normaliser away, so it is recovered at one column: log Σ = logit − log p. Any column is
 * right in exact arithmetic; `anchor` names one whose probability does not vanish.
 */
const weightedLogSumExpOp = defineOp<HeadAttributes>({
  name: "weightedLogSumExp",
  infer: ([h, columns, anchor, weight]) => {
    const fits = h!.shape.length === 2 && columns!.shape.length === 2 && h!.shape[1] === columns!.shape[0];
    const perRow = [anchor!, weight!].every(({ shape }) => shape.length === 1 && shape[0] === h!.shape[0]);
    if (!fits || !perRow) {
      const shown = [h!, columns!, anchor!, weight!].map(formatSpec).join(", ");
      throw new ShapeError(
        "cross-entropy",
        `crossEntropy: states [T, D], columns [D, N], targets [T] and weights [T] do not fit: ${shown}`,
      );
    }
    const { dtype } = h!;
    return [{ dtype, shape: [] }, { dtype, shape: [h!.shape[0]!] }, h!, columns!];
  },
  gradient: ({ outputs: [, each, dh, dc], cotangents: [g, ...saved], needs }) => {
    if (saved.some((s) => s !== null))
      throw new ShapeError("cross-entropy", "crossEntropy: its saved gradients have no gradient");
    const times = (x: Value, needed: boolean | undefined): Value | null => (needed ? mul(x, g!) : null);
    return [times(dh!, needs[0]), times(dc!, needs[1]), null, times(each!, needs[3])];
  },
  lower: (e, [h, columns, anchor, weight], attributes, node) => {
    const rows = e.shape(node.inputs[0]!)[0]!;
    const whole = { h: h!, anchor: anchor!, weight: weight! };
    const { chunk } = attributes;
    const chunks =
      typeof rows === "string" || rows <= chunk // an open number of rows cannot be cut into chunks
        ? [whole]
        : Array.from({ length: Math.ceil(rows / chunk) }, (_, k) =>
            sliceEach(e, whole, k * chunk, Math.min((k + 1) * chunk, rows)),
          );
    const parts: Part[] = [];
    for (const each of chunks) parts.push(lowerChunk(e, each, columns!, attributes.scale, parts.at(-1)));
    const join = (names: string[]): string =>
      names.length === 1 ? names[0]! : e.node("Concat", names, { attributes: { axis: 0 } })[0]!;
    const each = join(parts.map((p) => p.each));
    const weighted = e.node("Mul", [each, weight!])[0]!;
    const total = e.node("ReduceSum", [weighted], { attributes: { keepdims: 0 } })[0]!;
    const { dh, dc } = parts.at(-1)!;
    // What needs dh waits for dC too, which lets go of the last probabilities.
    const waiting = e.node("Mul", [dh, oneAfter(e, dc)])[0]!;
    return [total, each, join([...parts.slice(0, -1).map((p) => p.dh), waiting]), dc];
  },
  reference: ([h, columns, , weight], { scale }, shapes) => {
    const n = columns!.shape[1]!;
    const attributes = { transA: false, transB: false, scale };
    const [logits] = matmulOp.reference([h!, columns!], attributes, [[h!.shape[0]!, n]]) as [NdArray];
    const p = softmaxRows(logits);
    const each = ndarray(shapes[1]!, (t) => logSumExpOf(logits.data.subarray(t * n, (t + 1) * n)));
    const weighted = ndarray(p.shape, (k) => scale * weight!.data[Math.floor(k / n)]! * p.data[k]!);
    const product = (a: NdArray, b: NdArray, transA: boolean, shape: readonly number[]): NdArray =>
      matmulOp.reference([a, b], { transA, transB: !transA, scale: 1 }, [shape])[0]!;
    return [
      ndarray([], () => each.data.reduce((total, v, t) => total + weight!.data[t]! * v, 0)),
      each,
      product(weighted, columns!, false, h!.shape),
      product(h!, weighted, true, columns!.shape),
    ];
  },
  samples: [
    { inputs: [f(5, 3), f(3, 7), i([5], 7), f(5)], attributes: { scale: 1, chunk: 8 } },
    { inputs: [f(4, 2), f(2, 3), i([4], 3), f(4)], attributes: { scale: 2.5, chunk: 2 } },
    { inputs: [f(5, 3), f(3, 7), i([5], 7), f(5)], attributes: { scale: 1, chunk: 2 } },
  ],
});

interface Chunk {
  readonly h: string;
  readonly anchor: string;
  readonly weight: string;
}

/** A chunk's log Σ and gradient of h, and the gradient of C by this chunk and all before it. */
interface Part {
  readonly each: string;
  readonly dh: string;
  readonly dc: string;
}

function sliceEach(e: Emitter, { h, anchor, weight }: Chunk, start: number, end: number): Chunk {
  const index = (value: number): string => e.constant("int64", [1], [value]);
  const cut = (x: string): string => e.node("Slice", [x, index(start), index(end), index(0)])[0]!;
  return { h: cut(h), anchor: cut(anchor), weight: cut(weight) };
}

/**
 * dh = scale·w·(p·Cᵀ) and dC = scale·(w·h)ᵀ·p: [T, N] is read by two matrix products and by nothing else. Columns,
 * because (w·h)ᵀ·p then is the gradient itself; packing pᵀ for a gradient [N, D] costs more than the product. The
 * small factor is transposed before it is weighted: ONNX Runtime would make a slower, transposed product of the two.
 */
function lowerChunk(e: Emitter, chunk: Chunk, columns: string, scale: number, before?: Part): Part {
  const one = e.constant("int64", [1], [1]);
  const product = (a: string, b: string, attributes: Record<string, number | { float: number }>): string =>
    e.node("FusedMatMul", [a, b], { domain: "com.microsoft", attributes })[0]!;
  // Not before the chunk before is done: ONNX Runtime would else compute all scores first and hold them.
  const h = before ? e.node("Mul", [chunk.h, oneAfter(e, before.dc)])[0]! : chunk.h;
  const logits = product(h, columns, { alpha: { float: scale } });
  const p = e.node("Softmax", [logits], { attributes: { axis: -1 } })[0]!;
  const anchor = e.node("Unsqueeze", [chunk.anchor, one])[0]!;
  const at = (x: string): string =>
    e.node("Squeeze", [e.node("GatherElements", [x, anchor], { attributes: { axis: 1 } })[0]!, one])[0]!;
  const bounded = e.node("Max", [at(p), e.constant("float32", [], [smallest])])[0]!;
  const each = e.node("Sub", [at(logits), e.node("Log", [bounded])[0]!])[0]!;
  const weight = e.node("Mul", [chunk.weight, e.constant("float32", [], [scale])])[0]!;
  const column = e.node("Unsqueeze", [weight, one])[0]!;
  const dh = e.node("Mul", [product(p, columns, { transB: 1 }), column])[0]!;
  const last = e.node("Mul", [weight, oneAfter(e, dh, each)])[0]!; // all else that reads p has run when dC does
  const across = e.node("Transpose", [h], { attributes: { perm: [1, 0] } })[0]!;
  const dc = product(e.node("Mul", [across, last])[0]!, p, {});
  return { each, dh, dc: before ? e.node("Add", [before.dc, dc])[0]! : dc };
}

export interface CrossEntropyOptions {
  /** How much each row counts [T]; by default all the same, one together. */
  readonly weight?: Value;
  /** Multiplies the inner products (1/temperature). */
  readonly scale?: number;
  /** Most rows whose scores are computed together; fewer where the table is large. Bounds memory, not the result. */
  readonly chunk?: number;
  /** Vectors of the targets [T, D], where they are at hand without a look-up in `table`. */
  readonly targets?: Value;
}

/** Most scores of a chunk: 64 MiB of them, and as much again of probabilities. */
const mostScores = 2 ** 24;

/** Rows of a chunk for a table of so many items: as many as are asked for, fewer where that would take too much memory. */
export const chunkRows = (items: number, most: number): number =>
  Math.max(1, Math.min(most, Math.floor(mostScores / items)));

/**
 * Σₜ weightₜ · (−log softmax(scale · h · tableᵀ)ₜ)[targetₜ]: [T, D], [N, D], int32 [T] → [], by default the mean over T.
 * Where T is open, its rows are one chunk.
 */
export function crossEntropy(
  h: Value,
  table: Value,
  target: Value,
  options: CrossEntropyOptions = {},
): Value {
  const { weight = evenly(h), scale = 1, chunk = 1024, targets = gather(table, target) } = options;
  const items = table.size(0);
  const rows = typeof items === "number" ? chunkRows(items, chunk) : chunk;
  const inputs = [h, transpose(table, [1, 0]), target, weight];
  const normaliser = h.graph.apply(weightedLogSumExpOp, inputs, { scale, chunk: rows })[0]!;
  return sub(normaliser, mul(sum(mul(rowDot(h, targets), weight)), scale));
}

/** 1/T for each of T rows. */
function evenly(h: Value): Value {
  const ones = fill(h.graph, [h.size(0)], 1);
  return div(ones, sum(ones));
}

export const crossEntropyOps = [weightedLogSumExpOp];
