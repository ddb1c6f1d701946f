/** @file The block of eSASRec: gated residuals and a SwiGLU feed-forward layer. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, gather, matmul, mul, sigmoid } from "../../graph/ops/index.ts";
import { activations, layerNorm, linear, segmentCausalMask, selfAttention } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone } from "../define.ts";
import * as settings from "./settings.ts";

const config = z.strictObject({
  name: z.literal("ligr").default("ligr"),
  blocks: settings.blocks("transformer blocks"),
  heads: settings.heads(1),
  dropout: settings.dropShare(0.2),
  hidden: settings.hidden(4),
});

/** W₂·drop(SiLU(W₁·x) ⊙ W₃·x), without biases (Shazeer 2020, arXiv:2002.05202). */
function swiglu(p: Params, x: Value, hidden: number, drop: (x: Value) => Value): Value {
  const width = x.size(-1) as number;
  const product = (name: string) => matmul(x, p.weight(name, [width, hidden]));
  const inner = mul(activations.silu(product("gate")), product("inner"));
  return matmul(drop(inner), p.weight("outer", [hidden, width]));
}

/** x + σ(x·W + b) ⊙ update: the gate reads the stream as it is, not normalised. */
const gated = (p: Params, x: Value, update: Value): Value =>
  add(x, mul(sigmoid(linear(p, x, x.size(-1) as number)), update));

/**
 * (x + σ(x·Wg)⊙drop(attention(norm x)) → x + σ(x·Wg)⊙drop(swiglu(norm x)))×blocks → norm: [B, L, D] → [B, L, D].
 *
 * Source: Tikhonovich et al., "eSASRec", RecSys 2025, arXiv:2508.06450, after the LiGR layers of RecTools; positions
 * count from the most recent item, and histories are packed into rows.
 */
export const ligr = defineBackbone<z.infer<typeof config>>({
  name: "ligr",
  source: "the block of eSASRec, Tikhonovich et al. 2025, arXiv:2508.06450; packed rows",
  config,
  dropout: (c) => c.dropout,
  apply(p, { x: items, position, segment, maxLength, dropout, block: inBlock }, { blocks, heads, hidden }) {
    const width = items.size(-1) as number;
    const mask = segmentCausalMask(segment);
    let x = dropout(add(items, gather(p.weight("position", [maxLength, width]), position)), "input");
    for (let k = 0; k < blocks; k++) {
      const block = p.at(`block${k}`);
      const name = `block${k}`;
      const options = { heads, mask, dropout, name };
      const drop = (y: Value) => dropout(y, `${name}.hidden`);
      const before = x;
      x = inBlock(() => {
        const seen = selfAttention(block.at("attention"), layerNorm(block.at("norm1"), before), options);
        const attended = gated(block.at("gate1"), before, dropout(seen, `${name}.seen`));
        const normal = layerNorm(block.at("norm2"), attended);
        const inner = swiglu(block.at("mlp"), normal, Math.round(hidden * width), drop);
        return gated(block.at("gate2"), attended, dropout(inner, `${name}.mlp`));
      });
    }
    return layerNorm(p.at("norm"), x);
  },
});
