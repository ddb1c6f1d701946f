/** @file BERT4Rec: self-attention over all items of a history, those after each one too. */
import { z } from "zod";
import { activations, layerNorm, linear, segmentMask } from "../../nn/layers.ts";
import { defineBackbone } from "../define.ts";
import * as settings from "./settings.ts";
import { transformer, withPositions } from "./transformer.ts";

const config = z.strictObject({
  name: z.literal("bert4rec").default("bert4rec"),
  blocks: settings.blocks("transformer blocks"),
  heads: settings.heads(2),
  dropout: settings.dropShare(0.2),
  hidden: settings.hidden(4),
  norm: z
    .enum(["pre", "post"])
    .default("post")
    .describe("where layers are normalised: their input, or the sum, as published"),
  head: z
    .enum(["gelu", "none"])
    .default("gelu")
    .describe("layer between the blocks and the items: linear, gelu and a norm, as published, or none"),
});

/**
 * drop(norm(items + positions)) → (norm(x + drop(attention x)) → norm(x + drop(mlp x)))×blocks → norm(gelu(linear)):
 * [B, L, D] → [B, L, D]. It takes a task that hides the items to be predicted.
 *
 * Source: Sun et al., "BERT4Rec", CIKM 2019, arXiv:1904.06690, and the authors' code, whose head before the product with
 * the items is the last layer here. Differs: no bias for each item, no vector of the token type (it is one for all),
 * histories are packed into rows, in which attention stays inside a history, and positions count from its end.
 */
export const bert4rec = defineBackbone<z.infer<typeof config>>({
  name: "bert4rec",
  source: "Sun et al. 2019, arXiv:1904.06690; packed rows, no bias for each item",
  config,
  dropout: (c) => c.dropout,
  needs: () => ({ sees: "all" }),
  apply(p, input, { blocks, heads, hidden, norm, head }) {
    const { x: items, segment, dropout } = input;
    const start = dropout(layerNorm(p.at("input"), withPositions(p, input)), "input");
    const mask = segmentMask(segment);
    const seen = transformer(p, start, input, { blocks, heads, hidden, norm, mask, activation: "gelu" });
    if (head === "none") return seen;
    const inner = linear(p.at("head"), seen, items.size(-1) as number);
    return layerNorm(p.at("output"), activations.gelu(inner));
  },
});
