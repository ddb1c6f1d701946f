/** @file What the sampled losses share: how negatives are drawn, their scores, and the softmax over them. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  concat,
  equal,
  logSoftmax,
  matmul,
  mul,
  neg,
  reshape,
  rowDot,
  slice,
  sum,
  where,
} from "../../graph/ops/index.ts";
import type { LossInput, Sampling } from "../define.ts";

/** Settings of an even draw, with a loss's own defaults. */
export const evenDraw = (negatives: number, each: Sampling["each"], keepHits = false) => ({
  negatives: z.int().min(1).max(1_000_000).default(negatives).describe("items drawn for each step or token"),
  each: z
    .enum(["step", "token"])
    .default(each)
    .describe("whether the tokens of a step share one draw or each has its own"),
  keepHits: z
    .boolean()
    .default(keepHits)
    .describe("whether a draw of the token's own target counts as a negative; else it is left out"),
});

/** Settings of any draw. */
export const anyDraw = (...defaults: Parameters<typeof evenDraw>) => ({
  ...evenDraw(...defaults),
  from: z
    .enum(["catalogue", "batch", "both"])
    .default("catalogue")
    .describe("items are drawn from the catalogue, from the targets of the step, or half from each"),
  popularity: z
    .number()
    .min(0)
    .max(2)
    .default(0)
    .describe(
      "the catalogue's are drawn in proportion to (interactions + 1) to this power; 0 draws all alike",
    ),
});

interface DrawSettings {
  readonly negatives: number;
  readonly each: Sampling["each"];
  readonly from?: Sampling["from"];
  readonly popularity?: number;
}

export const samplingOf = ({
  negatives,
  each,
  from = "catalogue",
  popularity = 0,
}: DrawSettings): Sampling => ({
  draws: negatives,
  power: popularity,
  each,
  from,
});

/** A score that no softmax, and no logistic function, notices. */
export const never = -1e9;

/** Scores of the targets: [T]. */
export const targetScores = ({ h, items, target, scale }: LossInput): Value =>
  mul(rowDot(h, items.rows(target)), scale);

/** Scores of the draws [T, K]; without `keepHits`, `never` where a draw is the token's own target. */
export function negativeScores({ h, items, target, scale, negatives }: LossInput, keepHits: boolean): Value {
  const { items: drawn } = negatives!;
  const [tokens, draws, own] = [h.size(0), drawn.size(-1), drawn.rank === 2];
  const rows = items.rows(drawn);
  const scores = own
    ? reshape(matmul(reshape(h, [tokens, 1, h.size(1)]), rows, { transB: true, scale }), [tokens, draws])
    : matmul(h, rows, { transB: true, scale });
  if (keepHits) return scores;
  return where(equal(reshape(target, [tokens, 1]), own ? drawn : reshape(drawn, [1, draws])), never, scores);
}

/** Mean by weight of −log(e^s⁺ / (e^s⁺ + Σₖ e^sₖ)): [T], [T, K], [T] → []. */
export function softmaxOver(target: Value, others: Value, weight: Value): Value {
  const tokens = target.size(0);
  const shares = logSoftmax(concat([reshape(target, [tokens, 1]), others], 1));
  return neg(sum(mul(reshape(slice(shares, 1, 0, 1), [tokens]), weight)));
}
