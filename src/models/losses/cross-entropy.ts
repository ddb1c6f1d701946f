/** @file Full softmax cross-entropy over all items. */
import { z } from "zod";
import { add, mean, mul, crossEntropy as op, rowDot, sub, sum } from "../../graph/ops/index.ts";
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
  smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe("share of the target's weight that is spread evenly over all items"),
});

/**
 * Mean by weight of −log softmax(scale · h·Eᵀ)[target]: [T, D], [N, D], [T], [T] → []; every item is a negative.
 * With smoothing ε the goal is (1 − ε) at the target and ε/N at every item, as in Szegedy et al. 2016, arXiv:1512.00567:
 * ε·(s⁺ − mean s) more, and the mean score is that of the mean item.
 *
 * Source: the CE of Xu et al., arXiv:2408.14238, where it lifts SASRec by two thirds over the binary loss.
 */
export const crossEntropy = defineLoss<z.infer<typeof config>>({
  name: "cross-entropy",
  source: "full softmax; CE of Xu et al. 2024, arXiv:2408.14238",
  config,
  apply: ({ h, items, target, weight, scale }, { chunk, smoothing }) => {
    const [table, targets] = [items.all(), items.rows(target)];
    const sharp = op(h, table, target, { weight, scale, chunk, targets });
    if (smoothing === 0) return sharp;
    const ahead = rowDot(h, sub(targets, mean(table, [0], { keep: true })));
    return add(sharp, mul(sum(mul(ahead, weight)), smoothing * scale));
  },
});
