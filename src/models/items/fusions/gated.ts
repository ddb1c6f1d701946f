/** @file The first part opens and closes the others, element by element. */
import { add, mul, sigmoid } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";
import { sharedNorm } from "./shared-norm.ts";

/** Wₒ·(σ(W₁·n(x₁)) ⊙ Σ Wₘ·n(xₘ)), m from 2, n a layer normalisation that all parts share. */
export const gated = defineFusion({
  name: "gated",
  source:
    "the gated fusion of MMSR, Li et al. 2024, arXiv:2403.17372, which has two parts; more are added up behind the gate",
  sameWidth: true,
  apply(p, parts, dim) {
    const norm = sharedNorm(p.at("norm"), dim);
    const mapped = parts.map(({ vectors }, m) => linear(p.at(`part${m}`), norm(vectors), dim));
    const [gate, ...others] = mapped;
    if (others.length === 0) return linear(p.at("output"), gate!, dim);
    return linear(
      p.at("output"),
      mul(
        sigmoid(gate!),
        others.reduce((a, b) => add(a, b)),
      ),
      dim,
    );
  },
});
