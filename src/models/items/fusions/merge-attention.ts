/** @file All parts look at each other in one transformer layer. */
import { add, mean } from "../../../graph/ops/index.ts";
import { layerNorm } from "../../../nn/layers.ts";
import { defineFusion } from "./define.ts";
import { asTokens, attend, spread, widened } from "./tokens.ts";

/** The mean over all tokens after x + attention(n(x)) and x + mlp(n(x)); the order of the parts is not told. */
export const mergeAttention = defineFusion({
  name: "merge-attention",
  source:
    "merge-attention of MMSR, Li et al. 2024, arXiv:2403.17372; four learned tokens stand for a part, where the paper takes all hidden states of its encoder, and the layer is new, where the paper starts from BERT's",
  sameWidth: true,
  apply(p, parts) {
    if (parts.length === 1) return parts[0]!.vectors;
    const tokens = spread(p.at("tokens"), asTokens(parts.map(({ vectors }) => vectors)));
    const normal = layerNorm(p.at("norm"), tokens);
    return mean(widened(p.at("after"), add(tokens, attend(p.at("attention"), normal, normal))), [1]);
  },
});
