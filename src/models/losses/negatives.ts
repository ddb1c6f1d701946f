/** @file What the sampled losses share: how negatives are drawn, their scores, and the softmax over them. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  concat,
  equal,
  gatherElements,
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
export const evenDraw = (
  negatives: number,
  each: Sampling["each"],
  leaveOut: Sampling["leaveOut"] = "target",
) => ({
  negatives: z.int().min(1).max(1_000_000).default(negatives).describe("items drawn for each step or token"),
  each: z
    .enum(["step", "token"])
    .default(each)
    .describe("whether the tokens of a step share one draw or each has its own"),
  leaveOut: z
    .enum(["none", "target", "history"])
    .default(leaveOut)
    .describe(
      "draws that do not count as negatives: none, those of the token's target, or those of any item of its whole training history",
    ),
});

/** Settings of any draw. */
export const anyDraw = (...defaults: Parameters<typeof evenDraw>) => ({
  ...evenDraw(...defaults),
  from: z
    .enum(["catalogue", "batch", "both", "targets"])
    .default("catalogue")
    .describe(
      "items are drawn from the catalogue, from the targets of the step, or half from each; or each target of the step is there once, and the rest are drawn from the catalogue",
    ),
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
  readonly leaveOut: Sampling["leaveOut"];
  readonly from?: Sampling["from"];
  readonly popularity?: number;
}

/** The settings of a loss with any draw, which refuse those that would be without effect. */
export const drawSettings = <S extends z.ZodObject>(settings: S): S =>
  settings
    .refine((given) => given.from !== "batch" || given.popularity === 0, {
      path: ["popularity"],
      message: 'with loss.from "batch" nothing is drawn by it; set it to 0 or loss.from to "both"',
    })
    .refine((given) => given.from !== "targets" || given.each === "step", {
      path: ["each"],
      message: 'loss.from "targets" is one draw for all tokens of a step; set loss.each to "step"',
    })
    .refine((given) => given.from !== "both" || (given.negatives as number) > 1, {
      path: ["negatives"],
      message: 'loss.from "both" needs at least 2, one from the catalogue and one from the batch',
    });

export const samplingOf = ({
  negatives,
  each,
  leaveOut,
  from = "catalogue",
  popularity = 0,
}: DrawSettings): Sampling => ({
  draws: negatives,
  power: popularity,
  each,
  leaveOut,
  from,
});

/** A score that no softmax, and no logistic function, notices. */
export const never = -1e9;

/** Scores of the targets: [T]. */
export const targetScores = ({ h, items, target, scale }: LossInput): Value =>
  mul(rowDot(h, items.rows(target)), scale);

/** Scores of the draws [T, K], `never` where a draw is left out. */
export function negativeScores(input: LossInput, leaveOut: Sampling["leaveOut"]): Value {
  const scores = drawnScores(input, input.negatives!.items);
  if (leaveOut === "none") return scores;
  return where(leaveOut === "target" ? ofTarget(input) : input.negatives!.hits!, never, scores);
}

/**
 * Scores of items drawn for all tokens [K] or for each [T, K]: [T, K]. Draws of each token's own are picked from the
 * scores of all items where that is the cheaper way: where those [T, N] are no more numbers than the rows [T, K, D] would
 * be, and where a step draws most items anyway; all of them are then updated, with `training.updates` "read" too.
 */
function drawnScores({ h, items, scale, count }: LossInput, drawn: Value): Value {
  if (drawn.rank === 1) return matmul(h, items.rows(drawn), { transB: true, scale });
  const [tokens, width, draws] = [h.size(0) as number, h.size(1) as number, drawn.size(1) as number];
  if (count <= draws * width && 4 * count <= tokens * draws)
    return gatherElements(matmul(h, items.all(), { transB: true, scale }), drawn, 1);
  const rows = matmul(reshape(h, [tokens, 1, width]), items.rows(drawn), { transB: true, scale });
  return reshape(rows, [tokens, draws]);
}

/** Whether draws are the token's own target: bool [T, K]. */
function ofTarget({ target, negatives }: LossInput): Value {
  const { items: drawn } = negatives!;
  const own = reshape(target, [target.size(0), 1]);
  return equal(own, drawn.rank === 2 ? drawn : reshape(drawn, [1, drawn.size(0)]));
}

/** Mean by weight of −log(e^s⁺ / (e^s⁺ + Σₖ e^sₖ)): [T], [T, K], [T] → []. */
export function softmaxOver(target: Value, others: Value, weight: Value): Value {
  const tokens = target.size(0);
  const shares = logSoftmax(concat([reshape(target, [tokens, 1]), others], 1));
  return neg(sum(mul(reshape(slice(shares, 1, 0, 1), [tokens]), weight)));
}
