/** @file A linear map of everything side by side. */
import { concat as join } from "../../../graph/ops/index.ts";
import { linear } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";

/** W·[x₁; …; xₘ] + b. */
export const concat = defineFusion({
  name: "concat",
  source: "the concatenation of MMSR, Li et al. 2024, arXiv:2403.17372; without its layer normalisation",
  sameWidth: false,
  apply: (p, parts, dim) =>
    linear(
      p,
      join(
        parts.map(({ vectors }) => vectors),
        1,
      ),
      dim,
    ),
});
