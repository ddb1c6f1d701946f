/** @file Each part counts as much as a gate says that sees all of them. */
import { defineFusion } from "./define.ts";
import { gatedSum } from "./gates.ts";

/** Σ gₘ·xₘ, g = 2·σ(W·[x₁; …; xₘ] + b): at first nearly the plain sum. */
export const adaptive = defineFusion({
  name: "adaptive",
  source: "the adaptive gates of arXiv:2502.03664, reconstructed (it has no code); twice the sigmoid is ours",
  sameWidth: true,
  apply: (p, parts) =>
    gatedSum(
      p.at("gates"),
      parts.map(({ vectors }) => vectors),
      "sigmoid",
    ),
});

/** Σ gₘ·xₘ, g = M·softmax(W·[x₁; …; xₘ] + b): parts compete. */
export const adaptiveSoftmax = defineFusion({
  name: "adaptive-softmax",
  source: "the adaptive gates of arXiv:2502.03664, reconstructed (it has no code); the factor M is ours",
  sameWidth: true,
  apply: (p, parts) =>
    gatedSum(
      p.at("gates"),
      parts.map(({ vectors }) => vectors),
      "softmax",
    ),
});
