/** @file Each part looks at the others. */
import { add, concat, mean, reshape } from "../../../graph/ops/index.ts";
import { defineFusion } from "./define.ts";
import { sharedNorm } from "./shared-norm.ts";
import { asTokens, attend, widened } from "./tokens.ts";

/** The mean over the parts of x + attention(n(x) → n(others)) followed by x + mlp(n(x)), with weights for each part. */
export const coAttention = defineFusion({
  name: "co-attention",
  source:
    "co-attention of MMSR, Li et al. 2024, arXiv:2403.17372; a part is one token, where the paper takes all hidden states of its encoder",
  sameWidth: true,
  apply(p, parts, dim) {
    const vectors = parts.map((part) => part.vectors);
    if (vectors.length === 1) return vectors[0]!;
    const norm = sharedNorm(p.at("norm"), dim);
    const normal = vectors.map(norm);
    const looked = vectors.map((x, m) => {
      const others = asTokens(normal.filter((_, k) => k !== m));
      const at = p.at(`part${m}`);
      const seen = attend(at.at("attention"), asTokens([normal[m]!]), others); // [N, 1, D]
      return widened(at.at("after"), add(asTokens([x]), seen));
    });
    return reshape(mean(concat(looked, 1), [1]), vectors[0]!.shape);
  },
});
