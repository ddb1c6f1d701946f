/** @file SASRec: causal self-attention over the most recent items. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, constant, gather, mul, scalar } from "../../graph/ops/index.ts";
import { rotary, segmentCausalMask } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone, type SequenceInput } from "../define.ts";
import * as settings from "./settings.ts";
import { transformer, withPositions } from "./transformer.ts";

const config = z.strictObject({
  name: z.literal("sasrec").default("sasrec"),
  blocks: settings.blocks("transformer blocks"),
  heads: settings.heads(1),
  dropout: settings.dropShare(0.5),
  hidden: settings.hidden(1),
  activation: z
    .enum(["relu", "gelu", "silu"])
    .default("relu")
    .describe("non-linearity of the feed-forward layer"),
  position: z
    .enum(["learned", "sinusoidal", "rotary", "none"])
    .default("learned")
    .describe(
      "how tokens know their places, counted from the most recent item (rotary: from the row's start)",
    ),
  norm: z
    .enum(["pre", "post"])
    .default("pre")
    .describe("where layers are normalised: their input, or the sum"),
  scale: z
    .boolean()
    .default(false)
    .describe("whether items are multiplied by the square root of their width before places are added"),
});

type Config = z.infer<typeof config>;

/** sin and cos of the place at geometrically falling frequencies (Vaswani et al. 2017): [places, width]. */
function sinusoids(places: number, width: number): number[] {
  return Array.from({ length: places * width }, (_, k) => {
    const [place, column] = [Math.floor(k / width), k % width];
    const angle = place / 10_000 ** ((column - (column % 2)) / width);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

function placed(p: Params, input: SequenceInput, kind: Config["position"]): Value {
  const { x, position, maxLength } = input;
  if (kind === "learned") return withPositions(p, input);
  if (kind !== "sinusoidal") return x;
  const width = x.size(-1) as number;
  const table = constant(x.graph, "float32", [maxLength, width], sinusoids(maxLength, width));
  return add(x, gather(table, position));
}

const scaled = (x: Value): Value => mul(x, scalar(x.graph, Math.sqrt(x.size(-1) as number)));

/**
 * drop(items + positions) → (x + drop(attention(norm x)) → x + drop(mlp(norm x)))×blocks → norm: [B, L, D] → [B, L, D];
 * with `scale` √D · items + positions, as published: from noise, items then weigh more than places from the start.
 *
 * Source: Kang & McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018, arXiv:1808.09781. Differs from the
 * official code: pre-norm residuals (the code adds the normalised input), an output projection in the attention,
 * and histories are packed into rows, so the causal mask is segment-wise.
 */
export const sasrec = defineBackbone<Config>({
  name: "sasrec",
  source: "Kang & McAuley 2018, arXiv:1808.09781; pre-norm, packed rows",
  config,
  dropout: (c) => c.dropout,
  apply(p, given, { blocks, heads, hidden, activation, position, norm, scale }) {
    const input = scale ? { ...given, x: scaled(given.x) } : given;
    const { segment, dropout } = input;
    const start = dropout(placed(p, input, position), "input");
    const mask = segmentCausalMask(segment);
    const rotate = position === "rotary" ? { rotate: rotary } : {};
    return transformer(p, start, input, { blocks, heads, hidden, activation, norm, mask, ...rotate });
  },
});
