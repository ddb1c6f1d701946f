/** @file Softmax cross-entropy over the target and a sample of the catalogue. */
import { z } from "zod";
import { add } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { anyDraw, negativeScores, samplingOf, softmaxOver, targetScores } from "./negatives.ts";

const config = z.strictObject({
  name: z.literal("sampled-softmax").default("sampled-softmax"),
  ...anyDraw(1024, "step"),
  alpha: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("how much each drawn item counts; null: as much as the items that it stands for"),
});

/**
 * Mean by weight of −log(e^s⁺ / (e^s⁺ + Σₖ e^(sₖ + cₖ))) with s = scale · h·e over a sample of K items: h [T, D],
 * target [T], negatives [K] or [T, K] → []. Only the rows of the target and of the sample are read.
 *
 * The correction c makes the sum an estimate of that over the catalogue (log-q correction: Bengio & Senécal 2008). With
 * `alpha` it is multiplied by alpha·K/N, which for items drawn alike is the SCE of Xu et al. 2024, arXiv:2408.14238.
 * Drawn from the batch it is the in-batch softmax with log-q correction of Yi et al. 2019.
 */
export const sampledSoftmax = defineLoss<z.infer<typeof config>>({
  name: "sampled-softmax",
  source:
    "log-q corrected sample, Bengio & Senécal 2008; its scale as in SCE of Xu et al. 2024, arXiv:2408.14238",
  config,
  sampling: samplingOf,
  apply(input, { alpha, keepHits }) {
    const { items: drawn, correction } = input.negatives!;
    const draws = drawn.size(-1) as number;
    const shift = alpha === null ? correction : add(correction, Math.log((alpha * draws) / input.count));
    return softmaxOver(targetScores(input), add(negativeScores(input, keepHits), shift), input.weight);
  },
});
