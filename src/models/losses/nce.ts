/** @file Noise-contrastive estimation: is an item the target, or drawn as noise? */
import { z } from "zod";
import { add, mul, neg, softplus, sub, sum } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { evenDraw, negativeScores, samplingOf, targetScores } from "./negatives.ts";

const config = z.strictObject({
  name: z.literal("nce").default("nce"),
  ...evenDraw(100, "token", "none"),
  normaliser: z
    .number()
    .default(10)
    .describe("c, what the logarithm of the sum over the catalogue is taken to be"),
});

/**
 * Mean by weight of −log σ(s⁺′) − Σₖ log(1 − σ(sₖ′)) with s′ = s − c − log(K/N), h [T, D] → []. Draws are even.
 */
export const noiseContrastive = defineLoss<z.infer<typeof config>>({
  name: "nce",
  source: "NCE of Xu et al. 2024, arXiv:2402.06216, after Gutmann & Hyvärinen 2010",
  config,
  sampling: samplingOf,
  apply(input, { leaveOut, negatives, normaliser }) {
    const shift = Math.log(input.count / negatives) - normaliser;
    const noise = sub(add(negativeScores(input, leaveOut), input.negatives!.correction), normaliser);
    const terms = add(softplus(neg(add(targetScores(input), shift))), sum(softplus(noise), [1]));
    return sum(mul(terms, input.weight));
  },
});
