/** @file How inputs reach an operator: as they are, or as parts of tensors that lie otherwise in memory. */
import type { Value } from "../graph/graph.ts";
import type { SampleInput } from "../graph/op.ts";
import { slice, transpose } from "../graph/ops/index.ts";

/** What stands between what is fed and an operator: nothing, a transposition, or a slice of the last axis. */
export type Use = "plain" | "transposed" | "sliced";
export const uses: readonly Use[] = ["plain", "transposed", "sliced"];

/** What is fed so that the operator sees `input`. */
export function fedFor(input: SampleInput, use: Use): SampleInput {
  const { shape } = input;
  if (use === "plain" || shape.length === 0) return input;
  return { ...input, shape: use === "transposed" ? shape.toReversed() : shape.with(-1, shape.at(-1)! + 2) };
}

/** What the operator sees of what is fed. */
export function usedBy(x: Value, use: Use): Value {
  if (use === "plain" || x.rank === 0) return x;
  if (use === "sliced") return slice(x, x.rank - 1, 1, (x.size(-1) as number) - 1);
  return transpose(x, x.shape.map((_, axis) => axis).toReversed());
}
