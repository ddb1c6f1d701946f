/** @file Binary cross-entropy: the target against drawn items, each judged alone. */
import { z } from "zod";
import { add, mul, neg, softplus, sum } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { anyDraw, drawSettings, negativeScores, samplingOf, targetScores } from "./negatives.ts";

const config = drawSettings(
  z.strictObject({
    name: z.literal("bce").default("bce"),
    ...anyDraw(1, "token"),
  }),
);

/**
 * Mean by weight of −log σ(s⁺) − Σₖ log(1 − σ(sₖ)), h [T, D] → []. With one negative it is the loss of SASRec, with more
 * the NEG of Xu et al.
 */
export const binary = defineLoss<z.infer<typeof config>>({
  name: "bce",
  source:
    "Kang & McAuley 2018, arXiv:1808.09781; with more negatives NEG of Xu et al. 2024, arXiv:2402.06216",
  config,
  sampling: samplingOf,
  apply(input, { leaveOut }) {
    const against = sum(softplus(negativeScores(input, leaveOut)), [1]);
    return sum(mul(add(softplus(neg(targetScores(input))), against), input.weight));
  },
});
