/** @file Layers of sequence encoders. Letters: B rows, L tokens of a row, D width, H heads. */
import type { Value } from "../graph/graph.ts";
import {
  add,
  and,
  concat,
  constant,
  equal,
  erf,
  matmul,
  mul,
  layerNorm as normalize,
  relu,
  reshape,
  sigmoid,
  softmax,
  split,
  sub,
  transpose,
  unsqueeze,
  where,
} from "../graph/ops/index.ts";
import { ShapeError } from "../tensor/errors.ts";
import type { Dim } from "../tensor/spec.ts";
import type { Params } from "./params.ts";

/** Drops elements while training; the identity otherwise. Each call needs a name of its own. */
export type Dropout = (x: Value, name: string) => Value;

/** Dropout whose masks are inputs of the graph, drawn from the run's seed outside it, so that a step can be repeated. */
export function dropout(probability: number): Dropout {
  const keep = 1 - probability;
  if (probability === 0) return (x) => x;
  return (x, name) => mul(x, x.graph.input(`mask.${name}`, x.spec, { random: { keep } }));
}

export const noDropout: Dropout = (x) => x;

/** x·W + b: [B…, D] → [B…, size]. */
export function linear(p: Params, x: Value, size: number): Value {
  const w = p.weight("weight", [x.size(-1) as number, size]);
  return add(matmul(x, w), p.bias("bias", size));
}

/** Layer normalisation with learned gain and bias over the last axis. */
export function layerNorm(p: Params, x: Value, epsilon = 1e-8): Value {
  const width = x.size(-1) as number;
  return normalize(x, p.weight("gain", [width], { constant: 1 }), p.bias("bias", width), epsilon);
}

export const activations = {
  relu,
  /** x · Φ(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415), with the exact error function. */
  gelu: (x: Value): Value => mul(mul(x, 0.5), add(erf(mul(x, Math.SQRT1_2)), 1)),
  /** x · σ(x) (Ramachandran et al. 2017, arXiv:1710.05941). */
  silu: (x: Value): Value => mul(x, sigmoid(x)),
} as const;

export type Activation = keyof typeof activations;

/** Whether tokens are of the same segment: [B, L] → bool [B, L, L]. */
const sameSegment = (segment: Value): Value => equal(unsqueeze(segment, -1), unsqueeze(segment, 1));

/** Whether token i may see token j (same segment, j ≤ i): [B, L] → bool [B, L, L]. */
export function segmentCausal(segment: Value): Value {
  const length = segment.size(-1) as number;
  const ones = Array.from({ length: length * length }, (_, k) =>
    Number(k % length <= Math.floor(k / length)),
  );
  const causal = constant(segment.graph, "bool", [1, length, length], ones);
  return and(sameSegment(segment), causal);
}

/** bool [B, L, L] → [B, 1, L, L], to be added to scores: 0 where token i may see token j, −10⁹ elsewhere. */
const additiveMask = (sees: Value): Value => unsqueeze(where(sees, 0, -1e9), 1);

/** Additive mask by which tokens see those of their segment up to them: [B, L] → [B, 1, L, L]. */
export const segmentCausalMask = (segment: Value): Value => additiveMask(segmentCausal(segment));

/** Additive mask by which tokens see all of their segment: [B, L] → [B, 1, L, L]. */
export const segmentMask = (segment: Value): Value => additiveMask(sameSegment(segment));

/** [B, L, H·S] → [B, H, L, S]. One head needs no transposition: its axis only moves between axes that keep their order. */
export function splitHeads(x: Value, heads: number): Value {
  const [batch, length, width] = x.shape as [Dim, Dim, number];
  if (width % heads !== 0)
    throw new ShapeError("heads", `attention: ${heads} heads do not divide a width of ${width}`, {
      heads,
      width,
    });
  const size = width / heads;
  return heads === 1
    ? reshape(x, [batch, 1, length, size])
    : transpose(reshape(x, [batch, length, heads, size]), [0, 2, 1, 3]);
}

/** [B, H, L, S] → [B, L, H·S]. */
export function joinHeads(x: Value): Value {
  const [batch, heads, length, size] = x.shape as [Dim, number, Dim, number];
  return reshape(heads === 1 ? x : transpose(x, [0, 2, 1, 3]), [batch, length, heads * size]);
}

export interface AttentionOptions {
  readonly heads: number;
  /** Added to the scores: [B, 1, L, L]. */
  readonly mask: Value;
  readonly dropout: Dropout;
  readonly name: string;
  /** Changes queries and keys [B, H, L, D/H] by their places; nothing by default. */
  readonly rotate?: (x: Value) => Value;
}

/** Multi-head scaled dot-product self-attention (Vaswani et al. 2017, arXiv:1706.03762): [B, L, D] → [B, L, D]. */
export function selfAttention(
  p: Params,
  x: Value,
  { heads, mask, dropout: drop, name, rotate = (y) => y }: AttentionOptions,
): Value {
  const width = x.size(-1) as number;
  const project = (part: string): Value => splitHeads(linear(p.at(part), x, width), heads);
  const [query, key] = [rotate(project("query")), rotate(project("key"))];
  const product = matmul(query, key, { transB: true, scale: (width / heads) ** -0.5 });
  const shares = drop(softmax(add(product, mask)), `${name}.attention`); // [B, H, L, L]
  return linear(p.at("output"), joinHeads(matmul(shares, project("value"))), width);
}

/**
 * Turns the two halves of each vector by angles that grow with the place, so that products depend on distances only
 * (Su et al. 2021, arXiv:2104.09864): [B, H, L, S] → the same, S even.
 */
export function rotary(x: Value): Value {
  const [length, size] = x.shape.slice(-2) as [number, number];
  if (size % 2 !== 0)
    throw new ShapeError(
      "rotary",
      `rotary positions: vectors of a head have ${size} elements; an even number is needed`,
    );
  const half = size / 2;
  const angles = Array.from(
    { length: length * half },
    (_, k) => Math.floor(k / half) * 10_000 ** (-(k % half) / half),
  );
  const table = (f: (angle: number) => number): Value =>
    constant(x.graph, "float32", [length, half], angles.map(f));
  const [cosine, sine] = [table(Math.cos), table(Math.sin)];
  const [a, b] = split(x, -1, [half, half]) as [Value, Value];
  return concat([sub(mul(a, cosine), mul(b, sine)), add(mul(b, cosine), mul(a, sine))], -1);
}

export interface FeedForwardOptions {
  readonly hidden: number;
  readonly activation: Activation;
  readonly dropout: Dropout;
  readonly name: string;
}

/** W₂ · drop(f(W₁·x + b₁)) + b₂: [B, L, D] → [B, L, D]. */
export function feedForward(
  p: Params,
  x: Value,
  { hidden, activation, dropout: drop, name }: FeedForwardOptions,
): Value {
  const inner = activations[activation](linear(p.at("inner"), x, hidden));
  return linear(p.at("outer"), drop(inner, `${name}.hidden`), x.size(-1) as number);
}
