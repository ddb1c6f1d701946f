/** @file CE-n: cross-entropy over the items that are ranked first. */
import { z } from "zod";
import { slice, topK } from "../../graph/ops/index.ts";
import { ConfigError } from "../../tensor/errors.ts";
import { defineLoss } from "../define.ts";
import { softmaxOfReached } from "./reached.ts";

const config = z.strictObject({
  name: z.literal("ce-n").default("ce-n"),
  first: z.int().min(1).default(100).describe("n, items whose scores are in the sum; the target always is"),
});

/**
 * Mean by weight of −s⁺ + log Σ e^s over the n items of the highest scores and the target, h [T, D] → []. From the
 * target's rank on it bounds −log MRR and −log NDCG from above, the tighter the smaller n.
 */
export const firstRanks = defineLoss<z.infer<typeof config>>({
  name: "ce-n",
  source: "CE-n of Xu et al. 2024, arXiv:2402.06216; the target is in the sum whatever its rank",
  config,
  apply(input, { first }) {
    if (first > input.count) {
      const message = `loss.first is ${first}, but there are only ${input.count} items; set it to at most that`;
      throw new ConfigError("too-many-ranks", message, { first });
    }
    return softmaxOfReached(input, (scores) => slice(topK(scores, first).values, 1, first - 1, first));
  },
});
