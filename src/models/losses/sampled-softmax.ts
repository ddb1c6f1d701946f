/** @file Softmax cross-entropy over the target and a sample of the catalogue. */
import { z } from "zod";
import { add } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { anyDraw, drawSettings, negativeScores, samplingOf, softmaxOver, targetScores } from "./negatives.ts";

const config = drawSettings(
  z.strictObject({
    name: z.literal("sampled-softmax").default("sampled-softmax"),
    ...anyDraw(1024, "step"),
    logQ: z
      .boolean()
      .default(true)
      .describe("whether a draw counts as much as the items that it stands for (log-q correction), or once"),
  }),
);

/**
 * Mean by weight of −log(e^s⁺ / (e^s⁺ + Σₖ e^(sₖ + cₖ))) with s = scale · h·e over a sample of K items: h [T, D],
 * target [T], negatives [K] or [T, K] → []. Only the rows of the target and of the sample are read.
 *
 * The correction cₖ = −log(K·q) makes the sum an estimate of that over the catalogue (log-q correction: Bengio & Senécal
 * 2008); without it this is the SSM of Xu et al. 2024, arXiv:2408.14238, whose scaled form is the loss `sce`. Drawn from
 * the batch it is the in-batch softmax with log-q correction of Yi et al. 2019, except that the K draws are made with
 * replacement from the step's targets and are not all of them.
 */
export const sampledSoftmax = defineLoss<z.infer<typeof config>>({
  name: "sampled-softmax",
  source: "log-q corrected sample, Bengio & Senécal 2008; from the batch as in Yi et al. 2019",
  config,
  sampling: samplingOf,
  apply(input, { leaveOut, logQ }) {
    const scores = negativeScores(input, leaveOut);
    const others = logQ ? add(scores, input.negatives!.correction) : scores;
    return softmaxOver(targetScores(input), others, input.weight);
  },
});
