/** @file The first part scales and shifts the others. */
import { add, mul, split } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";
import { sharedNorm } from "./shared-norm.ts";

/** Wₒ·Σ((1 + γₘ) ⊙ n(xₘ) + βₘ), m from 2, [γₘ, βₘ] = Wₘ·n(x₁), n a layer normalisation that all parts share. */
export const film = defineFusion({
  name: "film",
  source:
    "FiLM of Perez et al. 2018, arXiv:1709.07871, as in MMSR, Li et al. 2024, arXiv:2403.17372, which has two parts and no 1 beside γ",
  sameWidth: true,
  apply(p, parts, dim) {
    const norm = sharedNorm(p.at("norm"), dim);
    const [first, ...others] = parts.map(({ vectors }) => norm(vectors));
    if (others.length === 0) return linear(p.at("output"), first!, dim);
    const changed = others.map((x, m) => {
      const [gamma, beta] = split(linear(p.at(`film${m + 1}`), first!, 2 * dim), 1, [dim, dim]);
      return add(mul(add(gamma!, 1), x), beta!);
    });
    return linear(
      p.at("output"),
      changed.reduce((a, b) => add(a, b)),
      dim,
    );
  },
});
