/** @file Layers of sequence encoders. Letters: B rows, L tokens of a row, D width, H heads. */
import type { Value } from "../graph/graph.ts";
import {
  add,
  and,
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
  transpose,
  unsqueeze,
  where,
} from "../graph/ops/index.ts";
import { ShapeError } from "../tensor/errors.ts";
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

/** Additive mask: 0 where token i may see token j (same segment, j ≤ i), −10⁹ elsewhere: [B, L] → [B, 1, L, L]. */
export function segmentCausalMask(segment: Value): Value {
  const length = segment.size(-1) as number;
  const ones = Array.from({ length: length * length }, (_, k) =>
    Number(k % length <= Math.floor(k / length)),
  );
  const causal = constant(segment.graph, "bool", [1, length, length], ones);
  const same = equal(unsqueeze(segment, -1), unsqueeze(segment, 1));
  return unsqueeze(where(and(same, causal), 0, -1e9), 1);
}

export interface AttentionOptions {
  readonly heads: number;
  /** Added to the scores: [B, 1, L, L]. */
  readonly mask: Value;
  readonly dropout: Dropout;
  readonly name: string;
}

/** Multi-head scaled dot-product self-attention (Vaswani et al. 2017, arXiv:1706.03762): [B, L, D] → [B, L, D]. */
export function selfAttention(
  p: Params,
  x: Value,
  { heads, mask, dropout: drop, name }: AttentionOptions,
): Value {
  const [batch, length, width] = x.shape as [number | string, number, number];
  if (width % heads !== 0) {
    throw new ShapeError("heads", `attention: ${heads} heads do not divide a width of ${width}`, {
      heads,
      width,
    });
  }
  const size = width / heads;
  const grid = [batch, length, heads, size];
  // One head needs no transposition: its axis only moves between axes that keep their order.
  const split = (y: Value): Value =>
    heads === 1 ? reshape(y, [batch, 1, length, size]) : transpose(reshape(y, grid), [0, 2, 1, 3]); // [B, H, L, D/H]
  const join = (y: Value): Value => reshape(heads === 1 ? y : transpose(y, [0, 2, 1, 3]), x.shape);
  const project = (part: string): Value => split(linear(p.at(part), x, width));
  const product = matmul(project("query"), project("key"), { transB: true, scale: size ** -0.5 });
  const shares = drop(softmax(add(product, mask)), `${name}.attention`); // [B, H, L, L]
  return linear(p.at("output"), join(matmul(shares, project("value"))), width);
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
