/** @file HSTU: pointwise attention without a softmax, gated instead of a feed-forward layer. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  add,
  cast,
  constant,
  fill,
  gather,
  matmul,
  mul,
  layerNorm as normalize,
  split,
  unsqueeze,
} from "../../graph/ops/index.ts";
import { activations, joinHeads, linear, segmentCausal, splitHeads } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone, type SequenceInput } from "../define.ts";

const config = z.strictObject({
  name: z.literal("hstu").default("hstu"),
  blocks: z.int().min(1).max(64).default(2).describe("layers"),
  heads: z.int().min(1).max(64).default(1).describe("attention heads; must divide the width"),
  dropout: z.number().min(0).max(0.95).default(0.2).describe("share of elements dropped while training"),
});

/** Layer normalisation without gain and bias, as in the research code. */
function plainNorm(x: Value): Value {
  const width = x.size(-1);
  return normalize(x, fill(x.graph, [width], 1), fill(x.graph, [width], 0), 1e-6);
}

/** How far back each token of a row [L, L] looks, where it may look. */
function distances(length: number, longest: number): number[] {
  return Array.from({ length: length * length }, (_, k) =>
    Math.min(Math.max(Math.floor(k / length) - (k % length), 0), longest - 1),
  );
}

function layer(
  p: Params,
  x: Value,
  { heads, mask, name }: { heads: number; mask: Value; name: string },
  { maxLength, dropout }: SequenceInput,
): Value {
  const [, length, width] = x.shape as [number | string, number, number];
  const projected = activations.silu(linear(p.at("input"), plainNorm(x), 4 * width));
  const [gate, value, query, key] = split(projected, -1, [width, width, width, width]);
  const bias = p.weight("distance", [maxLength]);
  const back = constant(x.graph, "int32", [length, length], distances(length, maxLength));
  const scores = matmul(splitHeads(query!, heads), splitHeads(key!, heads), { transB: true });
  const shares = mul(activations.silu(add(scores, gather(bias, back))), mask); // [B, H, L, L]
  const seen = joinHeads(matmul(shares, splitHeads(value!, heads), { scale: 1 / maxLength }));
  return add(x, linear(p.at("output"), dropout(mul(plainNorm(seen), gate!), name), width));
}

/**
 * x → x + W₂·drop(norm(A·V) ⊙ U) + b with [U, V, Q, K] = SiLU(norm(x)·W₁) and A = SiLU(Q·Kᵀ + distance bias) / n
 * inside the history, where n is the longest history: [B, L, D] → [B, L, D].
 *
 * Source: Zhai et al., "Actions Speak Louder than Words", ICML 2024, arXiv:2402.17152, as in the authors' research code,
 * without its time bias (rows carry no timestamps) and with W₁ biased; positions count from the most recent item, and
 * histories are packed into rows.
 */
export const hstu = defineBackbone<z.infer<typeof config>>({
  name: "hstu",
  source: "Zhai et al. 2024, arXiv:2402.17152; without the time bias, packed rows",
  config,
  dropout: (c) => c.dropout,
  apply(p, input, { blocks, heads }) {
    const { position, segment, maxLength, dropout } = input;
    const width = input.x.size(-1) as number;
    const mask = unsqueeze(cast(segmentCausal(segment), "float32"), 1);
    const places = gather(p.weight("position", [maxLength, width]), position);
    let x = dropout(add(mul(input.x, Math.sqrt(width)), places), "input");
    for (let k = 0; k < blocks; k++) {
      const before = x;
      x = input.block(() => layer(p.at(`block${k}`), before, { heads, mask, name: `block${k}` }, input));
    }
    return x;
  },
});
