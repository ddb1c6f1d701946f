/** @file Each part counts as much as a gate says that sees all of them. */
import { defineFusion, type Fusion } from "./define.ts";
import { type GateKind, gatedSum } from "./gates.ts";

const gated = (name: string, kind: GateKind, ours: string): Fusion =>
  defineFusion({
    name,
    source: `the adaptive gates of arXiv:2502.03664, reconstructed (it has no code); ${ours} is ours`,
    sameWidth: true,
    apply: (p, parts) =>
      gatedSum(
        p.at("gates"),
        parts.map(({ vectors }) => vectors),
        kind,
      ),
  });

/** Σ gₘ·xₘ, g = 2·σ(W·[x₁; …; xₘ] + b): at first nearly the plain sum. */
export const adaptive = gated("adaptive", "sigmoid", "twice the sigmoid");

/** Σ gₘ·xₘ, g = M·softmax(W·[x₁; …; xₘ] + b): parts compete. */
export const adaptiveSoftmax = gated("adaptive-softmax", "softmax", "the factor M");
