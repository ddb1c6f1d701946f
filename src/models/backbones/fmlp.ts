/** @file FMLP-Rec: learned filters in the place of attention. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, concat, constant, fill, gather, matmul, transpose } from "../../graph/ops/index.ts";
import { type Dropout, feedForward, layerNorm, noDropout } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { defineBackbone } from "../define.ts";
import {
  asTheyAre,
  distances,
  type FilterKind,
  frequencies,
  inverseTransform,
  type Keeping,
  realTokens,
  withoutPadding,
} from "./filters.ts";
import * as settings from "./settings.ts";

const config = z.strictObject({
  name: z.literal("fmlp").default("fmlp"),
  blocks: settings.blocks("blocks of a filter and a feed-forward layer"),
  dropout: settings.dropShare(0.5),
  hidden: settings.hidden(4),
  filter: z
    .enum(["causal", "circular"])
    .default("causal")
    .describe(
      "items that a filter sums over: those up to each, or all as on a ring, as published (takes training.targets last)",
    ),
});

/** Σₛ k(t − s) ⊙ xₛ with a kernel of its own for every element of the vectors: [B, W, D] → [B, W, D]. */
function filtered(p: Params, x: Value, kind: FilterKind): Value {
  const [, length, width] = x.shape as [number | string, number, number];
  const count = frequencies(length);
  const spectrum = concat([p.weight("real", [count, width]), p.weight("imaginary", [count, width])], 0);
  const inverse = constant(x.graph, "float32", [length, 2 * count], inverseTransform(length));
  const kernel = concat([matmul(inverse, spectrum), fill(x.graph, [1, width], 0)], 0); // the last is of unseen tokens
  const places = constant(x.graph, "int32", [length, length], distances(length, length, kind));
  const between = gather(transpose(kernel, [1, 0]), places, 1); // [D, W, W]
  return transpose(matmul(between, transpose(x, [2, 1, 0])), [2, 1, 0]);
}

interface BlockOptions {
  readonly filter: FilterKind;
  readonly keeping: Keeping;
  readonly hidden: number;
  readonly dropout: Dropout;
  readonly name: string;
}

function layers(p: Params, x: Value, { filter, keeping, hidden, dropout, name }: BlockOptions): Value {
  const seen = dropout(keeping.list(filtered(p.at("filter"), keeping.rows(x), filter)), `${name}.seen`);
  const mixed = layerNorm(p.at("norm1"), add(x, seen));
  const mlp = { hidden, activation: "gelu", dropout: noDropout, name } as const;
  return layerNorm(p.at("norm2"), add(mixed, dropout(feedForward(p.at("mlp"), mixed, mlp), `${name}.mlp`)));
}

/**
 * drop(norm(items + positions)) → (norm(x + drop(filter x)) → norm(x + drop(mlp x)))×blocks: [B, W, D] → [B, W, D],
 * where a filter is a product of spectra along the history, with learned complex numbers.
 *
 * Source: Zhou et al., "Filter-enhanced MLP is All You Need", WWW 2022, arXiv:2202.13556, and the authors' code. Such a
 * product is a circular convolution: each state depends on all items of the row. Therefore the authors (and the code of
 * Xu et al., arXiv:2408.14238, with the full softmax) train on the last state alone, of every beginning of every
 * history: `filter: "circular"` with `training.targets` "last". The default is ours: sums over the past only, with the
 * same kernels, so that all items of a history are learned from at once, and padding, which is zero in every layer, costs
 * nothing but in the filters. With circular filters the items of padding are zero, as there, and its positions count.
 */
export const fmlp = defineBackbone<z.infer<typeof config>>({
  name: "fmlp",
  source: "Zhou et al. 2022, arXiv:2202.13556; causal filters unless circular ones are chosen",
  config,
  dropout: (c) => c.dropout,
  needs: ({ filter }) => ({ rows: "padded", sees: filter === "circular" ? "all" : "past" }),
  apply(p, input, { blocks, hidden, filter }) {
    const { position, segment, maxLength, dropout, block } = input;
    const width = input.x.size(-1) as number;
    const keeping = filter === "causal" ? realTokens(input) : asTheyAre;
    const items = filter === "causal" ? input.x : withoutPadding(input.x, segment);
    const placed = keeping.list(add(items, gather(p.weight("position", [maxLength, width]), position)));
    let x = dropout(layerNorm(p.at("norm"), placed), "input");
    for (let k = 0; k < blocks; k++) {
      const before = x;
      const options = { filter, keeping, hidden: Math.round(hidden * width), dropout, name: `block${k}` };
      x = block(() => layers(p.at(`block${k}`), before, options));
    }
    return keeping.rows(x);
  },
});
