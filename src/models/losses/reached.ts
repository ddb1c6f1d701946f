/** @file Cross-entropies whose sum is over a part of the catalogue that the scores choose: for study, [T, N] is held. */
import type { Value } from "../../graph/graph.ts";
import { constant, equal, greaterOrEqual, matmul, reshape, where } from "../../graph/ops/index.ts";
import type { LossInput } from "../define.ts";
import { never, softmaxOver, targetScores } from "./negatives.ts";

/** Softmax over the target and all items whose scores reach a threshold [T, 1], which gets no gradient. */
export function softmaxOfReached(
  input: LossInput,
  thresholdOf: (scores: Value, target: Value) => Value,
): Value {
  const { h, items, target, scale, weight } = input;
  const table = items.all();
  const scores = matmul(h, table, { transB: true, scale });
  const own = targetScores(input);
  const tokens = h.size(0);
  const threshold = thresholdOf(scores, reshape(own, [tokens, 1]));
  const count = table.size(0) as number;
  const every = Array.from({ length: count }, (_, item) => item);
  const numbers = constant(h.graph, "int32", [1, count], every);
  const others = where(equal(reshape(target, [tokens, 1]), numbers), never, scores);
  return softmaxOver(own, where(greaterOrEqual(scores, threshold), others, never), weight);
}
