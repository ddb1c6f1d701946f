/** @file Two looks at an item are alike, and unlike those at others. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  constant,
  equal,
  gather,
  matmul,
  mul,
  normalizeRows,
  or,
  reshape,
  rowDot,
  where,
} from "../../graph/ops/index.ts";
import { never, softmaxOver } from "../losses/negatives.ts";
import { defineAuxiliary } from "./define.ts";
import { perWeight, weightOf } from "./weight.ts";

const config = z.strictObject({
  name: z.literal("contrast").default("contrast"),
  weight: weightOf(0.1),
  temperature: z.number().positive().default(0.2).describe("divides the cosines of two looks"),
  lost: z
    .number()
    .min(0)
    .max(0.95)
    .default(0.2)
    .describe("share of what is known of an item that each look goes without"),
  items: z.int().min(2).max(65_536).default(512).describe("most next items of a step that are looked at"),
});

/** At most `most` of the T elements, evenly spread over them: [T] → [I]. */
function spread(x: Value, most: number): Value {
  const all = x.size(0) as number;
  if (all <= most) return x;
  const places = Array.from({ length: most }, (_, k) => Math.floor((k * all) / most));
  return gather(x, constant(x.graph, "int32", [most], places));
}

/**
 * −log(e^(cos(z, z′)/τ) / Σₖ e^(cos(z, z′ₖ)/τ)), the mean by weight over the next items of a step, z and z′ two looks at one
 * of them and k over all but itself at other places and padding: → []. Each look loses features at random.
 *
 * Source: the contrastive regularisation for cold starts of arXiv:2502.03664, reconstructed (it has no code); the loss is
 * InfoNCE of van den Oord et al. 2018, arXiv:1807.03748. Users have no features here, so looks are at items only.
 */
export const contrast = defineAuxiliary<z.infer<typeof config>>({
  name: "contrast",
  source:
    "contrastive regularisation of arXiv:2502.03664, reconstructed; InfoNCE of van den Oord et al. 2018, arXiv:1807.03748",
  config,
  misfit: ({ name, loses }) =>
    loses
      ? null
      : `auxiliary "contrast" looks at items with some of their features lost, but items "${name}" with these settings has none that could be; choose attributes, features, or fused with one of them, or leave the term out`,
  apply(_, input, { temperature, lost, items: most }) {
    const [items, weight] = [spread(input.target, most), spread(input.weight, most)];
    const count = items.size(0);
    const [z, other] = ["first", "second"].map((name) => normalizeRows(input.look(items, name, lost)));
    const scale = 1 / temperature;
    const scores = matmul(z!, other!, { transB: true, scale }); // [I, I]
    const row = [1, count];
    const itself = equal(reshape(items, [count, 1]), reshape(items, row));
    const padding = equal(reshape(weight, row), 0);
    const others = where(or(itself, padding), never, scores);
    const shares = perWeight(weight, weight);
    return softmaxOver(mul(rowDot(z!, other!), scale), others, shares);
  },
});
