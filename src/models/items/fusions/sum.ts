/** @file The sum of what is known of an item. */
import { add } from "../../../graph/ops/index.ts";
import { defineFusion } from "./define.ts";

/** Σ xₘ. */
export const sum = defineFusion({
  name: "sum",
  source:
    "the sum of MMSR, Li et al. 2024, arXiv:2403.17372; the linear maps are those of the parts, and nothing is normalised before them",
  sameWidth: true,
  apply: (_, parts) => parts.map(({ vectors }) => vectors).reduce((a, b) => add(a, b)),
});
