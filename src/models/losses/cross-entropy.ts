/** @file Full softmax cross-entropy over all items. */
import { z } from "zod";
import { crossEntropy as op } from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";

const config = z.strictObject({
  name: z.literal("cross-entropy").default("cross-entropy"),
  chunk: z
    .int()
    .min(1)
    .default(1024)
    .describe(
      "most tokens whose scores are computed together, fewer where items are many; bounds memory, not the result",
    ),
});

/**
 * Mean by weight of −log softmax(scale · h·Eᵀ)[target]: [T, D], [N, D], [T], [T] → []; every item is a negative.
 *
 * Source: the CE of Xu et al., arXiv:2408.14238, where it lifts SASRec by two thirds over the binary loss.
 */
export const crossEntropy = defineLoss<z.infer<typeof config>>({
  name: "cross-entropy",
  source: "full softmax; CE of Xu et al. 2024, arXiv:2408.14238",
  config,
  apply: ({ h, items, target, weight, scale }, { chunk }) =>
    op(h, items.all(), target, { weight, scale, chunk, targets: items.rows(target) }),
});
