/** @file Generalised binary cross-entropy: the share of sampled items tempers the overconfidence that sampling brings. */
import { z } from "zod";
import { add, div, mul, neg, softplus, sum } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";
import { evenDraw, negativeScores, samplingOf, targetScores } from "./negatives.ts";

const config = z.strictObject({
  name: z.literal("gbce").default("gbce"),
  ...evenDraw(256, "token"),
  calibration: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe("0 is the binary loss, 1 gives scores that are calibrated as if no item had been left out"),
});

/**
 * Mean by weight of (−β log σ(s⁺) − Σₖ log(1 − σ(sₖ))) / (K + 1) with β = a(t(1 − 1/a) + 1/a), a = K/(N − 1) and the
 * calibration t, h [T, D] → []. Draws are even, as its derivation takes them.
 */
export const generalisedBinary = defineLoss<z.infer<typeof config>>({
  name: "gbce",
  source: "Petrov & Macdonald 2023, arXiv:2308.07192, as in eSASRec, arXiv:2508.06450",
  config,
  sampling: samplingOf,
  apply(input, { calibration, leaveOut, negatives }) {
    const share = negatives / Math.max(1, input.count - 1);
    const beta = calibration * (share - 1) + 1;
    const against = sum(softplus(negativeScores(input, leaveOut)), [1]);
    const terms = add(mul(softplus(neg(targetScores(input))), beta), against);
    return div(sum(mul(terms, input.weight)), negatives + 1);
  },
});
