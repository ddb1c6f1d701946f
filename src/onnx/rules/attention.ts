/** @file Translations of ONNX Runtime's fused attention. Letters: B batch, S queries, T keys, N heads, H width of a head. */
import type { Value } from "../../graph/graph.ts";
import {
  add,
  and,
  concat,
  fill,
  greater,
  greaterOrEqual,
  matmul,
  range,
  reshape,
  slice,
  softmax,
  split,
  transpose,
  triangle,
  unsqueeze,
  where,
} from "../../graph/ops/index.ts";
import { type Dim, floorDivideDims, multiplyDims } from "../../tensor/dims.ts";
import { formatShape } from "../../tensor/spec.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";

/** Queries [B, N, S, H], keys [B, N, T, H] and values [B, N, T, H′]. */
interface Heads {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** The lowest float32 stands where a query must not look; it swallows any score. */
const lowest = -(2 - 2 ** -23) * 2 ** 127;

/** [B, S, N·H] → [B, N, S, H]. */
function split4(node: OnnxNode, x: Value, heads: number): Value {
  const [batch, length, width] = x.shape as [Dim, Dim, Dim];
  if (x.rank !== 3) node.fail(`an input is ${formatShape(x.shape)}; three axes are needed`);
  if (typeof width === "number" && width % heads !== 0)
    node.fail(`${heads} heads do not divide a width of ${width}`);
  return transpose(reshape(x, [batch, length, heads, floorDivideDims(width, heads)]), [0, 2, 1, 3]);
}

/** softmax(scale·q·kᵀ + biases)·v: [B, S, N·H′]. */
function attend(node: OnnxNode, { q, k, v }: Heads, biases: readonly (Value | null)[]): Value {
  const width = q.size(-1);
  const given = node.float("scale", 0);
  if (typeof width !== "number" && given === 0) node.fail("the width of its heads must be known");
  const scale = given === 0 ? 1 / Math.sqrt(width as number) : given;
  const added = [...biases, causalBias(node, q.size(2), k)].filter((bias) => bias !== null);
  const scores = matmul(q, k, { transB: true, scale }); // [B, N, S, T]
  const masked = added.length === 0 ? scores : add(scores, added.reduce(add));
  const y = transpose(matmul(softmax(masked), v), [0, 2, 1, 3]);
  return reshape(y, [...y.shape.slice(0, 2), multiplyDims(y.size(2), y.size(3))]);
}

/** What hides later keys from a query, if that is asked for. */
function causalBias(node: OnnxNode, queries: Dim, k: Value): Value | null {
  const keys = k.size(2);
  if (node.int("unidirectional", 0) === 0 || queries === 1) return null;
  if (queries !== keys)
    node.fail(`looking back only is supported for as many keys as queries, not ${keys} and ${queries}`);
  return triangle(fill(k.graph, [queries, keys], lowest), { upper: true, k: 1 });
}

/** What a mask of keys adds to scores [B, N, S, T]: 0 where they are seen, `mask_filter_value` elsewhere. */
function maskBias(node: OnnxNode, mask: Value | null, { q, k }: Heads): Value | null {
  if (!mask) return null;
  const [batch, keys] = [q.size(0), k.size(2)];
  const bias = (seen: Value): Value => where(seen, 0, node.float("mask_filter_value", -10000));
  const [first, last] = [mask.shape[0]!, mask.size(-1)];
  if (mask.rank === 3) return bias(greater(unsqueeze(mask, 1), 0));
  if (mask.rank === 2 && last === 1 && keys !== 1) return null; // a mask of one column stands for none
  if (mask.rank === 2) return bias(greater(reshape(mask, [first, 1, 1, last]), 0));
  const positions = range(mask.graph, keys, mask.dtype);
  const column = (from: Dim, to: Dim): Value => reshape(slice(mask, 0, from, to), [batch, 1, 1, 1]);
  if (mask.rank === 1 && first === batch) return bias(greater(column(0, batch), positions));
  if (mask.rank === 1 && first === multiplyDims(batch, 2)) {
    const after = greaterOrEqual(positions, column(batch, first));
    return bias(and(greater(column(0, batch), positions), after));
  }
  const shown = formatShape(mask.shape);
  return node.fail(`its mask is ${shown}; [B, T], [B, S, T], [B] and [2B] are supported (B = ${batch})`);
}

function refusePast(node: OnnxNode, inputs: readonly number[]): void {
  if (inputs.some((i) => node.has(i))) node.fail("past keys and values are not supported");
}

function attention(node: OnnxNode): Result[] {
  refusePast(node, [4, 6]);
  if (node.int("do_rotary", 0) !== 0) node.fail("rotary positions inside it are not supported");
  const heads = node.int("num_heads");
  const [x, weights, bias] = [node.input(0), node.input(1), node.optional(2)];
  const third = floorDivideDims(weights.size(-1), 3);
  const sizes = node.ints("qkv_hidden_sizes") ?? [third, third, third];
  // Weights are cut instead of their product: once for all where they are stored in the program.
  const biases = bias ? split(bias, 0, sizes) : null;
  const [q, k, v] = split(weights, 1, sizes).map((part, i) => {
    const product = matmul(x, part);
    return split4(node, biases ? add(product, biases[i]!) : product, heads);
  }) as [Value, Value, Value];
  const y = attend(node, { q, k, v }, [node.optional(5), maskBias(node, node.optional(3), { q, k, v })]);
  return node.wants(1) ? [y, concat([unsqueeze(k, 0), unsqueeze(v, 0)], 0)] : [y];
}

/** Separate, or packed along the axis before the last: [B, T, N, 3, H] or [B, T, N, 2, H]. */
function unpacked(node: OnnxNode, heads: number): Heads {
  const [query, key, value] = [node.input(0), node.optional(1), node.optional(2)];
  const packed = (x: Value): Value[] =>
    split(x, 3, new Array<number>(x.size(3) as number).fill(1)).map((part) =>
      transpose(reshape(part, part.shape.toSpliced(3, 1)), [0, 2, 1, 3]),
    );
  const bias = node.optional(3);
  if (!key) {
    if (query.rank !== 5 || query.size(3) !== 3)
      node.fail(`without a key its query must be [B, S, N, 3, H], not ${formatShape(query.shape)}`);
    if (bias) node.fail("a bias beside packed inputs is not supported");
    const [q, k, v] = packed(query) as [Value, Value, Value];
    return { q, k, v };
  }
  const biases = bias ? biasParts(bias, query, key, value) : [];
  const part = (x: Value, i: number): Value =>
    x.rank === 4 ? x : split4(node, biases[i] ? add(x, biases[i]) : x, heads);
  const q = part(query, 0);
  if (value) return { q, k: part(key, 1), v: part(value, 2) };
  if (key.rank !== 5 || key.size(3) !== 2)
    node.fail(`without a value its key must be [B, T, N, 2, H], not ${formatShape(key.shape)}`);
  const [k, v] = packed(key) as [Value, Value];
  return { q, k, v };
}

/** The bias [D + D + D′] of queries, keys and values. */
const biasParts = (bias: Value, query: Value, key: Value, value: Value | null): readonly Value[] =>
  split(bias, 0, [query.size(-1), query.size(-1), (value ?? key).size(-1)]);

function multiHeadAttention(node: OnnxNode): Result[] {
  refusePast(node, [6, 7, 8, 9]);
  const heads = unpacked(node, node.int("num_heads"));
  const y = attend(node, heads, [node.optional(5), maskBias(node, node.optional(4), heads)]);
  return [y, heads.k, heads.v];
}

export const attentionRules: Rules = {
  "com.microsoft.Attention": attention,
  "com.microsoft.MultiHeadAttention": multiHeadAttention,
};
