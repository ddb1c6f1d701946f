/** @file Each part counts as much as a gate says that sees all of them. */
import { add, concat, mul, sigmoid, split } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";

/** Σ gₘ·xₘ, g = 2·σ(W·[x₁; …; xₘ] + b): at first nearly the plain sum. */
export const adaptive = defineFusion({
  name: "adaptive",
  source: "the adaptive gates of arXiv:2502.03664, reconstructed (it has no code); twice the sigmoid is ours",
  sameWidth: true,
  apply(p, parts) {
    const vectors = parts.map((part) => part.vectors);
    const gates = mul(sigmoid(linear(p.at("gates"), concat(vectors, 1), vectors.length)), 2);
    const each = split(
      gates,
      1,
      vectors.map(() => 1),
    );
    return vectors.map((x, m) => mul(x, each[m]!)).reduce((a, b) => add(a, b));
  },
});
