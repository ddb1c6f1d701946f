/** @file GRU4Rec: a recurrent network over the history. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  add,
  cast,
  concat,
  equal,
  matmul,
  mul,
  reshape,
  sigmoid,
  split,
  sub,
  tanh,
} from "../../graph/ops/index.ts";
import { linear } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import type { Dim } from "../../tensor/spec.ts";
import { defineBackbone } from "../define.ts";
import * as settings from "./settings.ts";

const config = z.strictObject({
  name: z.literal("gru4rec").default("gru4rec"),
  layers: z.int().min(1).max(8).default(1).describe("recurrent layers"),
  dropout: settings.dropShare(0.5),
  hidden: z.number().positive().max(16).default(1).describe("width of the state, in widths of the model"),
});

/** The tokens of each row one after the other: [B, L] or [B, L, S] → L values [B, S]. */
function tokensOf(x: Value): readonly Value[] {
  const [batch, length, size = 1] = x.shape as [Dim, number, Dim?];
  const parts = length === 1 ? [x] : split(x, 1, new Array<Dim>(length).fill(1));
  return parts.map((part) => reshape(part, [batch, size]));
}

interface Recurrence {
  readonly reset: Value;
  readonly update: Value;
  readonly candidate: Value;
}

/** r = σ(x·Wr + h·Ur), z = σ(x·Wz + h·Uz), c = tanh(x·Wc + (r⊙h)·Uc), h' = h + z⊙(c − h): [B, 3H], [B, H] → [B, H]. */
function cell({ reset, update, candidate }: Recurrence, projected: Value, state: Value | null): Value {
  const hidden = (projected.size(-1) as number) / 3;
  const [xr, xz, xc] = split(projected, -1, [hidden, hidden, hidden]) as [Value, Value, Value];
  if (!state) return mul(sigmoid(xz), tanh(xc)); // from h = 0
  const r = sigmoid(add(xr, matmul(state, reset)));
  const z = sigmoid(add(xz, matmul(state, update)));
  const c = tanh(add(xc, matmul(mul(r, state), candidate)));
  return add(state, mul(z, sub(c, state)));
}

/** One layer: [B, L, D] → [B, L, H]; the state starts at zero where a history starts. */
function layer(p: Params, x: Value, segments: readonly Value[], hidden: number): Value {
  const weight = (name: string): Value => p.weight(name, [hidden, hidden]);
  const weights = { reset: weight("reset"), update: weight("update"), candidate: weight("candidate") };
  const states: Value[] = [];
  let state: Value | null = null;
  for (const [t, projected] of tokensOf(linear(p.at("input"), x, 3 * hidden)).entries()) {
    const continues = t > 0 ? cast(equal(segments[t]!, segments[t - 1]!), "float32") : null;
    state = cell(weights, projected, state && continues && mul(state, continues));
    states.push(state);
  }
  const [batch] = x.shape;
  return concat(
    states.map((state) => reshape(state, [batch!, 1, hidden])),
    1,
  );
}

/**
 * Gated recurrent units over the history, differentiated through the whole row, and a linear layer to the width of the
 * items: [B, L, D] → [B, L, D].
 *
 * Source: Hidasi et al., "Session-based Recommendations with Recurrent Neural Networks", ICLR 2016, arXiv:1511.06939,
 * with the cell of the authors' code (r multiplies before the product). Differs: histories are packed into rows and the
 * gradient runs through all of a row, where the authors carry states from batch to batch and cut the gradient.
 */
export const gru4rec = defineBackbone<z.infer<typeof config>>({
  name: "gru4rec",
  source: "Hidasi et al. 2016, arXiv:1511.06939; packed rows, gradients through the whole row",
  config,
  dropout: (c) => c.dropout,
  apply(p, { x: items, segment, dropout, block }, { layers, hidden }) {
    const width = items.size(-1) as number;
    const segments = tokensOf(segment);
    let x = dropout(items, "input");
    for (let k = 0; k < layers; k++) {
      const before = x;
      x = block(() => layer(p.at(`layer${k}`), before, segments, Math.round(hidden * width)));
      if (k < layers - 1) x = dropout(x, `layer${k}`);
    }
    return linear(p.at("output"), x, width);
  },
});
