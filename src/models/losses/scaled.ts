/** @file Scaled cross-entropy: a sampled softmax whose draws count more than once. */
import { z } from "zod";
import { add } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { anyDraw, negativeScores, samplingOf, softmaxOver, targetScores } from "./negatives.ts";

const config = z.strictObject({
  name: z.literal("sce").default("sce"),
  ...anyDraw(500, "token", true),
  alpha: z
    .number()
    .positive()
    .default(100)
    .describe("how much each drawn item counts; 1 is the plain sampled softmax"),
});

/**
 * Mean by weight of −s⁺ + log(e^s⁺ + α·Σₖ e^sₖ), h [T, D] → []: each token has its own draws, of its target too, and
 * draws have no other correction than α.
 */
export const scaledCrossEntropy = defineLoss<z.infer<typeof config>>({
  name: "sce",
  source: "SCE of Xu et al. 2024, arXiv:2408.14238",
  config,
  sampling: samplingOf,
  apply(input, { alpha, keepHits }) {
    const others = add(negativeScores(input, keepHits), Math.log(alpha));
    return softmaxOver(targetScores(input), others, input.weight);
  },
});
