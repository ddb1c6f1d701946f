/** @file The blocks that transformers over a history have in common, whichever tokens see each other. */
import type { Value } from "../../graph/graph.ts";
import { add, gather } from "../../graph/ops/index.ts";
import { type Activation, feedForward, layerNorm, selfAttention } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import type { SequenceInput } from "../define.ts";

export interface TransformerOptions {
  readonly blocks: number;
  readonly heads: number;
  /** Width of the feed-forward layer, in widths of the model. */
  readonly hidden: number;
  readonly activation: Activation;
  /** Where layers are normalised: their input, or the sum. */
  readonly norm: "pre" | "post";
  /** Added to the scores of the attention: [B, 1, L, L]. */
  readonly mask: Value;
  /** Changes queries and keys by their places; nothing by default. */
  readonly rotate?: (x: Value) => Value;
}

/** Items with a learned vector of their place added, counted from the most recent: [B, L, D] → [B, L, D]. */
export const withPositions = (p: Params, { x, position, maxLength }: SequenceInput): Value =>
  add(x, gather(p.weight("position", [maxLength, x.size(-1) as number]), position));

/** x + drop(f(norm x)), or norm(x + drop(f x)). */
function residual(p: Params, x: Value, norm: TransformerOptions["norm"], f: (x: Value) => Value): Value {
  return norm === "pre" ? add(x, f(layerNorm(p, x))) : layerNorm(p, add(x, f(x)));
}

/** (x + drop(attention x) → x + drop(mlp x))×blocks, normalised: [B, L, D] → [B, L, D]. */
export function transformer(
  p: Params,
  start: Value,
  { dropout, block: inBlock }: SequenceInput,
  { blocks, heads, hidden, activation, norm, mask, rotate }: TransformerOptions,
): Value {
  const inner = Math.round(hidden * (start.size(-1) as number));
  let x = start;
  for (let k = 0; k < blocks; k++) {
    const name = `block${k}`;
    const block = p.at(name);
    const attention = { heads, mask, dropout, name, ...(rotate && { rotate }) };
    const mlp = { hidden: inner, activation, dropout, name };
    const before = x;
    x = inBlock(() => {
      const attended = residual(block.at("norm1"), before, norm, (y) =>
        dropout(selfAttention(block.at("attention"), y, attention), `${name}.seen`),
      );
      return residual(block.at("norm2"), attended, norm, (y) =>
        dropout(feedForward(block.at("mlp"), y, mlp), `${name}.mlp`),
      );
    });
  }
  return norm === "pre" ? layerNorm(p.at("norm"), x) : x;
}
