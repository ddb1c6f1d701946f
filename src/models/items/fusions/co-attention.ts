/** @file Each part looks at the others. */
import { add, concat, mean, unsqueeze } from "../../../graph/ops/index.ts";
import { defineFusion } from "./define.ts";
import { sharedNorm } from "./shared-norm.ts";
import { attend, spread, widened } from "./tokens.ts";

/** The mean over all tokens of x + attention(n(x) → n(others)) followed by x + mlp(n(x)), with weights for each part. */
export const coAttention = defineFusion({
  name: "co-attention",
  source:
    "co-attention of MMSR, Li et al. 2024, arXiv:2403.17372; four learned tokens stand for a part, where the paper takes all hidden states of its encoder",
  sameWidth: true,
  apply(p, parts, dim) {
    const vectors = parts.map((part) => part.vectors);
    if (vectors.length === 1) return vectors[0]!;
    const norm = sharedNorm(p.at("norm"), dim);
    const tokens = vectors.map((x, m) => spread(p.at(`part${m}.tokens`), unsqueeze(x, 1))); // [N, 4, D] each
    const normal = tokens.map(norm);
    const looked = tokens.map((x, m) => {
      const others = concat(
        normal.filter((_, k) => k !== m),
        1,
      );
      const at = p.at(`part${m}`);
      return widened(at.at("after"), add(x, attend(at.at("attention"), normal[m]!, others)));
    });
    return mean(concat(looked, 1), [1]);
  },
});
