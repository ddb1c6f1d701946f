/** @file SASRec: causal self-attention over the most recent items. */
import { z } from "zod";
import { add, gather } from "../../graph/ops/index.ts";
import { feedForward, layerNorm, segmentCausalMask, selfAttention } from "../../nn/layers.ts";
import { defineBackbone } from "../define.ts";

const config = z.strictObject({
  name: z.literal("sasrec").default("sasrec"),
  blocks: z.int().min(1).max(64).default(2).describe("transformer blocks"),
  heads: z.int().min(1).max(64).default(1).describe("attention heads; must divide the width"),
  dropout: z.number().min(0).max(0.95).default(0.5).describe("share of elements dropped while training"),
  hidden: z
    .number()
    .positive()
    .max(16)
    .default(1)
    .describe("width of the feed-forward layer, in widths of the model"),
  activation: z
    .enum(["relu", "gelu", "silu"])
    .default("relu")
    .describe("non-linearity of the feed-forward layer"),
});

/**
 * drop(items + positions) → (x + drop(attention(norm x)) → x + drop(mlp(norm x)))×blocks → norm: [B, L, D] → [B, L, D].
 *
 * Source: Kang & McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, arXiv:1808.09781. Differs from the
 * official code: pre-norm residuals (the code adds the normalised input), an output projection in the attention,
 * item vectors are not multiplied by √D, and histories are packed into rows, so the causal mask is segment-wise.
 */
export const sasrec = defineBackbone<z.infer<typeof config>>({
  name: "sasrec",
  source: "Kang & McAuley 2018, arXiv:1808.09781; pre-norm, packed rows",
  config,
  dropout: (c) => c.dropout,
  apply(p, { x: items, position, segment, maxLength, dropout }, { blocks, heads, hidden, activation }) {
    const width = items.size(-1) as number;
    const mask = segmentCausalMask(segment);
    let x = dropout(add(items, gather(p.weight("position", [maxLength, width]), position)), "input");
    for (let k = 0; k < blocks; k++) {
      const block = p.at(`block${k}`);
      const name = `block${k}`;
      const seen = selfAttention(block.at("attention"), layerNorm(block.at("norm1"), x), {
        heads,
        mask,
        dropout,
        name,
      });
      x = add(x, dropout(seen, `${name}.seen`));
      const options = { hidden: Math.round(hidden * width), activation, dropout, name };
      x = add(
        x,
        dropout(feedForward(block.at("mlp"), layerNorm(block.at("norm2"), x), options), `${name}.mlp`),
      );
    }
    return layerNorm(p.at("norm"), x);
  },
});
