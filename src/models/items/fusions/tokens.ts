/** @file What the fusions by attention share: parts as tokens of a short sequence. */
import type { Value } from "../../../graph/graph.ts";
import { add, concat, matmul, reshape, softmax, unsqueeze } from "../../../graph/ops/index.ts";
import { feedForward, layerNorm, linear, noDropout } from "../../../nn/layers.ts";
import type { Params } from "../../../nn/params.ts";

/** Tokens of a part. */
const TOKENS = 4;

/**
 * Several tokens of each vector, x + Wₜ·x + bₜ with t to 4: [N, M, D] → [N, 4·M, D]. They stand for the hidden states of an
 * encoder: attention to a part that is one token has nothing to choose.
 */
export function spread(p: Params, x: Value): Value {
  const width = x.size(-1) as number;
  const each = [x.size(0), x.size(1), TOKENS, width];
  const tokens = add(reshape(linear(p, x, TOKENS * width), each), unsqueeze(x, 2));
  return reshape(tokens, [x.size(0), (x.size(1) as number) * TOKENS, width]);
}

/** [N, D] each → [N, M, D]. */
export const asTokens = (vectors: readonly Value[]): Value =>
  concat(
    vectors.map((x) => unsqueeze(x, 1)),
    1,
  );

/** One head, without a bias of the keys, which would change nothing: queries [N, Q, D] look at tokens [N, M, D] → [N, Q, D]. */
export function attend(p: Params, queries: Value, tokens: Value): Value {
  const width = queries.size(-1) as number;
  const [query, key, value] = [
    linear(p.at("query"), queries, width),
    matmul(tokens, p.weight("key", [width, width])),
    linear(p.at("value"), tokens, width),
  ];
  const shares = softmax(matmul(query, key, { transB: true, scale: width ** -0.5 }));
  return linear(p.at("output"), matmul(shares, value), width);
}

/** x + W₂·relu(W₁·n(x)). */
export function widened(p: Params, x: Value): Value {
  const width = x.size(-1) as number;
  const options = { hidden: width, activation: "relu", dropout: noDropout, name: "" } as const;
  return add(x, feedForward(p.at("mlp"), layerNorm(p.at("norm"), x), options));
}
