/** @file HSTU: pointwise attention without a softmax, gated instead of a feed-forward layer. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  abs,
  add,
  cast,
  clip,
  constant,
  div,
  fill,
  floor,
  gather,
  log,
  matmul,
  mul,
  layerNorm as normalize,
  split,
  sub,
  unsqueeze,
} from "../../graph/ops/index.ts";
import { activations, joinHeads, linear, segmentCausal, splitHeads } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone, type SequenceInput } from "../define.ts";
import * as settings from "./settings.ts";

const config = z.strictObject({
  name: z.literal("hstu").default("hstu"),
  blocks: settings.blocks("layers"),
  heads: settings.heads(1),
  dropout: settings.dropShare(0.2),
  times: z
    .enum(["none", "past", "next"])
    .default("none")
    .describe(
      "the bias by time: none, by the time between two items, or as published by the time from an item to the one asked for, whose time the model then knows; a history without times is taken as of one moment",
    ),
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

/** The most a bucket can be: there are this many and one. */
const lastBucket = 128;

/** ⌊ln(max(1, seconds from the item in the column to what the row asks for)) / .301⌋: int32 [B, L, L]. */
function timeBuckets({ met, asked }: NonNullable<SequenceInput["times"]>): Value {
  const seconds = abs(sub(unsqueeze(cast(asked, "float32"), 2), unsqueeze(cast(met, "float32"), 1)));
  return cast(clip(floor(div(log(clip(seconds, { low: 1 })), 0.301)), { high: lastBucket }), "int32");
}

interface LayerOptions {
  readonly heads: number;
  readonly mask: Value;
  /** int32 [B, L, L], where times are read. */
  readonly buckets: Value | null;
  readonly name: string;
}

function layer(
  p: Params,
  x: Value,
  { heads, mask, buckets, name }: LayerOptions,
  { maxLength, dropout }: SequenceInput,
): Value {
  const [, length, width] = x.shape as [number | string, number, number];
  const projected = activations.silu(linear(p.at("input"), plainNorm(x), 4 * width));
  const [gate, value, query, key] = split(projected, -1, [width, width, width, width]);
  const bias = p.weight("distance", [maxLength]);
  const back = constant(x.graph, "int32", [length, length], distances(length, maxLength));
  const scores = matmul(splitHeads(query!, heads), splitHeads(key!, heads), { transB: true });
  const placed = add(scores, gather(bias, back));
  const timed = buckets
    ? add(placed, unsqueeze(gather(p.weight("time", [lastBucket + 1]), buckets), 1))
    : placed;
  const shares = mul(activations.silu(timed), mask); // [B, H, L, L]
  const seen = joinHeads(matmul(shares, splitHeads(value!, heads), { scale: 1 / maxLength }));
  return add(x, linear(p.at("output"), dropout(mul(plainNorm(seen), gate!), name), width));
}

/**
 * x → x + W₂·drop(norm(A·V) ⊙ U) + b with [U, V, Q, K] = SiLU(norm(x)·W₁) and A = SiLU(Q·Kᵀ + distance bias +
 * time bias) / n inside the history, where n is the longest history: [B, L, D] → [B, L, D].
 *
 * Source: Zhai et al., "Actions Speak Louder than Words", ICML 2024, arXiv:2402.17152, as in the authors' research code,
 * with W₁ biased; positions count from the most recent item, and histories are packed into rows. The time bias is off
 * unless `times` asks for it: as published ("next") the model knows when the item that it predicts was met.
 */
export const hstu = defineBackbone<z.infer<typeof config>>({
  name: "hstu",
  source: "Zhai et al. 2024, arXiv:2402.17152; packed rows; the time bias is an option",
  config,
  dropout: (c) => c.dropout,
  needs: ({ times }) => ({ times }),
  apply(p, input, { blocks, heads }) {
    const { position, segment, maxLength, dropout } = input;
    const width = input.x.size(-1) as number;
    const buckets = input.times ? timeBuckets(input.times) : null;
    const mask = unsqueeze(cast(segmentCausal(segment), "float32"), 1);
    const places = gather(p.weight("position", [maxLength, width]), position);
    let x = dropout(add(mul(input.x, Math.sqrt(width)), places), "input");
    for (let k = 0; k < blocks; k++) {
      const before = x;
      x = input.block(() =>
        layer(p.at(`block${k}`), before, { heads, mask, buckets, name: `block${k}` }, input),
      );
    }
    return x;
  },
});
