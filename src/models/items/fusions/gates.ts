/** @file Gates that say how much each of several vectors counts. */
import type { Value } from "../../../graph/graph.ts";
import { add, concat, mul, sigmoid, softmax, split } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import type { Params } from "../../../nn/params.ts";

export const gateKinds = ["sigmoid", "softmax"] as const;
export type GateKind = (typeof gateKinds)[number];

/**
 * α = σ(W·[x₁; …; xₘ] + b), or a softmax of the same, which sums to one: M vectors [N, D] → [N, M].
 *
 * Source: the adaptive feature selection of arXiv:2502.03664, reconstructed (it has no code). A softmax may starve what it
 * does not choose at first.
 */
export function gatesOf(p: Params, vectors: readonly Value[], kind: GateKind): Value {
  const scores = linear(p, concat([...vectors], 1), vectors.length);
  return kind === "sigmoid" ? sigmoid(scores) : softmax(scores);
}

/**
 * Σ αₘ·xₘ, times two for a sigmoid and M for a softmax, so that it is nearly the plain sum at first: [N, D] each → [N, D].
 * A softmax over one vector has nothing to choose.
 */
export function gatedSum(p: Params, vectors: readonly Value[], kind: GateKind): Value {
  if (kind === "softmax" && vectors.length === 1) return vectors[0]!;
  const gates = mul(gatesOf(p, vectors, kind), kind === "sigmoid" ? 2 : vectors.length);
  const each = split(
    gates,
    1,
    vectors.map(() => 1),
  );
  return vectors.map((x, m) => mul(x, each[m]!)).reduce((a, b) => add(a, b));
}
