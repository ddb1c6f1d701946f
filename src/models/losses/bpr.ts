/** @file Bayesian personalised ranking: the target above each drawn item. */
import { z } from "zod";
import { mean, mul, reshape, softplus, sub, sum } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { anyDraw, drawSettings, negativeScores, samplingOf, targetScores } from "./negatives.ts";

const config = drawSettings(
  z.strictObject({
    name: z.literal("bpr").default("bpr"),
    ...anyDraw(1, "token"),
  }),
);

/**
 * Mean by weight and over K of −log σ(s⁺ − sₖ), h [T, D] → []; a draw that is left out counts zero.
 */
export const bpr = defineLoss<z.infer<typeof config>>({
  name: "bpr",
  source: "Rendle et al. 2009, arXiv:1205.2618",
  config,
  sampling: samplingOf,
  apply(input, { leaveOut }) {
    const own = reshape(targetScores(input), [input.h.size(0), 1]);
    const terms = mean(softplus(sub(negativeScores(input, leaveOut), own)), [1]);
    return sum(mul(terms, input.weight));
  },
});
