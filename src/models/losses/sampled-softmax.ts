/** @file Softmax cross-entropy over the target and a sample of the catalogue. */
import { z } from "zod";
import {
  add,
  concat,
  equal,
  logSoftmax,
  matmul,
  mul,
  neg,
  reshape,
  rowDot,
  slice,
  sum,
  where,
} from "../../graph/ops/index.ts";
import { defineLoss } from "../define.ts";

const config = z.strictObject({
  name: z.literal("sampled-softmax").default("sampled-softmax"),
  negatives: z.int().min(1).max(1_000_000).default(1024).describe("items drawn for each step"),
  popularity: z
    .number()
    .min(0)
    .max(2)
    .default(0)
    .describe("items are drawn in proportion to (interactions + 1) to this power; 0 draws all alike"),
  alpha: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe("how much each drawn item counts; null: as much as the items that it stands for"),
});

/** A score that no softmax notices. */
const never = -1e9;

/**
 * Mean by weight of −log(e^s⁺ / (e^s⁺ + Σₖ e^(sₖ + cₖ))) with s = scale · h·e over one sample of K items for all tokens of
 * the step: h [T, D], target [T], negatives [K] → []. A draw that is the token's own target is left out. Only the rows
 * of the target and of the sample are read.
 *
 * The correction c makes the sum an estimate of that over the catalogue (log-q correction: Bengio & Senécal 2008). With
 * `alpha` it is multiplied by alpha·K/N, which for items drawn alike is the SCE of Xu et al. 2024, arXiv:2408.14238;
 * there, each token has a sample of its own and draws of the target stay.
 */
export const sampledSoftmax = defineLoss<z.infer<typeof config>>({
  name: "sampled-softmax",
  source:
    "log-q corrected sample, Bengio & Senécal 2008; its scale as in SCE of Xu et al. 2024, arXiv:2408.14238",
  config,
  sampling: ({ negatives, popularity }) => ({ draws: negatives, power: popularity }),
  apply({ h, items, target, weight, scale, negatives, count }, { alpha }) {
    const { items: drawn, correction } = negatives!;
    const [tokens, draws] = [h.size(0), drawn.size(0) as number];
    const shift = alpha === null ? correction : add(correction, Math.log((alpha * draws) / count));
    const scores = add(matmul(h, items.rows(drawn), { transB: true, scale }), shift); // [T, K]
    const hit = equal(reshape(target, [tokens, 1]), reshape(drawn, [1, draws]));
    const own = reshape(mul(rowDot(h, items.rows(target)), scale), [tokens, 1]);
    const shares = logSoftmax(concat([own, where(hit, never, scores)], 1));
    return neg(sum(mul(reshape(slice(shares, 1, 0, 1), [tokens]), weight)));
  },
});
