/** @file BSARec: self-attention beside a fixed split of the history into slow and fast changes. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, cast, gather, matmul, mul, square, sub } from "../../graph/ops/index.ts";
import {
  type Dropout,
  feedForward,
  layerNorm,
  noDropout,
  segmentCausal,
  segmentCausalMask,
  selfAttention,
} from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone, type SequenceInput } from "../define.ts";
import { filterMatrix, frequencies, lowPass, withoutPadding } from "./filters.ts";
import * as settings from "./settings.ts";

const config = z.strictObject({
  name: z.literal("bsarec").default("bsarec"),
  blocks: settings.blocks("blocks"),
  heads: settings.heads(1),
  dropout: settings.dropShare(0.5),
  hidden: settings.hidden(4),
  filterShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe("α: share of the filter in a block, the rest is attention's"),
  cutoff: z
    .int()
    .min(1)
    .default(5)
    .describe("c: the slow changes are the lowest ⌊c/2⌋ + 1 frequencies of a history of maxLength"),
  filter: z
    .enum(["causal", "circular"])
    .default("causal")
    .describe(
      "items that the filter sums over: those up to each, or all as on a ring, as published (takes training.targets last)",
    ),
});

type Config = z.infer<typeof config>;

/** The matrices between the tokens of rows that give the slow changes: [B, L, L], or [L, L]. */
function slowly({ x, segment, maxLength }: SequenceInput, { cutoff, filter }: Config): Value {
  const tokens = x.size(1) as number;
  const kept = Math.min(Math.floor(cutoff / 2) + 1, frequencies(maxLength));
  const matrix = filterMatrix(x.graph, lowPass(maxLength, kept), tokens, filter);
  return filter === "circular" ? matrix : mul(matrix, cast(segmentCausal(segment), "float32"));
}

interface BlockOptions {
  readonly config: Config;
  readonly slow: Value;
  readonly mask: Value;
  readonly dropout: Dropout;
  readonly name: string;
}

function layers(p: Params, x: Value, { config, slow, mask, dropout, name }: BlockOptions): Value {
  const { heads, hidden, filterShare } = config;
  const width = x.size(-1) as number;
  const low = matmul(slow, x);
  const rescaled = add(low, mul(sub(x, low), square(p.weight("beta", [width], { deviation: 1 }))));
  const filtered = layerNorm(p.at("norm1"), add(x, dropout(rescaled, `${name}.filtered`)));
  const attention = selfAttention(p.at("attention"), x, { heads, mask, dropout, name });
  const attended = layerNorm(p.at("norm2"), add(x, dropout(attention, `${name}.seen`)));
  const mixed = add(mul(filtered, filterShare), mul(attended, 1 - filterShare));
  const mlp = { hidden: Math.round(hidden * width), activation: "gelu", dropout: noDropout, name } as const;
  return layerNorm(p.at("norm3"), add(mixed, dropout(feedForward(p.at("mlp"), mixed, mlp), `${name}.mlp`)));
}

/**
 * drop(norm(items + positions)) → (α·norm(x + drop(low + β²⊙(x − low))) + (1 − α)·norm(x + drop(attention x)) →
 * norm(x + drop(mlp x)))×blocks: [B, L, D] → [B, L, D], where low keeps the lowest frequencies of the history.
 *
 * Source: Shin et al., "An Attentive Inductive Bias for Sequential Recommendation beyond the Self-Attention", AAAI 2024,
 * arXiv:2312.10325, and the authors' code. There low is a projection of the whole row, so that each state depends on all
 * items of it, however causal the attention; the authors train on the last state alone, of every beginning of every
 * history: `filter: "circular"` with `training.targets` "last" and padded rows. The default is ours: every token gets the
 * low that it would have as the last one, so packed rows are learned from as those of other models. Positions count from
 * the most recent item; one share of dropout is used throughout.
 */
export const bsarec = defineBackbone<Config>({
  name: "bsarec",
  source: "Shin et al. 2024, arXiv:2312.10325; causal filters in packed rows unless circular ones are chosen",
  config,
  dropout: (c) => c.dropout,
  needs: ({ filter }) => (filter === "circular" ? { rows: "padded", sees: "all" } : {}),
  apply(p, input, config) {
    const { position, segment, maxLength, dropout, block } = input;
    const width = input.x.size(-1) as number;
    const items = config.filter === "circular" ? withoutPadding(input.x, segment) : input.x;
    const places = gather(p.weight("position", [maxLength, width]), position);
    const [slow, mask] = [slowly(input, config), segmentCausalMask(segment)];
    let x = dropout(layerNorm(p.at("norm"), add(items, places)), "input");
    for (let k = 0; k < config.blocks; k++) {
      const before = x;
      x = block(() => layers(p.at(`block${k}`), before, { config, slow, mask, dropout, name: `block${k}` }));
    }
    return x;
  },
});
