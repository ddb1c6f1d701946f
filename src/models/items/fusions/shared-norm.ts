/** @file A layer normalisation whose gain and bias serve several values. */
import type { Value } from "../../../graph/graph.ts";
import { layerNorm } from "../../../graph/ops/index.ts";
import type { Params } from "../../../nn/params.ts";

/** Normalises values of `width`, all by the same gain and bias. */
export function sharedNorm(p: Params, width: number): (x: Value) => Value {
  const [gain, bias] = [p.weight("gain", [width], { constant: 1 }), p.bias("bias", width)];
  return (x) => layerNorm(x, gain, bias, 1e-8);
}
