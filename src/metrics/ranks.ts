/** @file Ranking metrics as pure functions of ranks. A rank counts from 1; there is one target per user. */

/** HR@k: the share of ranks that are at most `k`. */
export function hitRate(ranks: Int32Array, k: number): number {
  return mean(ranks, (rank) => (rank <= k ? 1 : 0));
}

/** What one rank adds to NDCG@k: [rank ≤ k] / log2(1 + rank). */
export const discount = (rank: number, k: number): number => (rank <= k ? 1 / Math.log2(1 + rank) : 0);

/** NDCG@k with one target: the mean of the discounts. */
export function ndcg(ranks: Int32Array, k: number): number {
  return mean(ranks, (rank) => discount(rank, k));
}

/** MRR@k: the mean of [rank ≤ k] / rank. */
export function reciprocalRank(ranks: Int32Array, k: number): number {
  return mean(ranks, (rank) => (rank <= k ? 1 / rank : 0));
}

/** Coverage: the share of `shown` marks (one per catalogue item) that are not zero. */
export function coverage(shown: Uint8Array): number {
  let count = 0;
  for (const mark of shown) if (mark !== 0) count++;
  return shown.length === 0 ? 0 : count / shown.length;
}

/** The metrics that every evaluation prints, by name such as "NDCG@10"; coverage is not a function of ranks. */
export function rankMetrics(ranks: Int32Array): Record<string, number> {
  return {
    "HR@10": hitRate(ranks, 10),
    "NDCG@10": ndcg(ranks, 10),
    "MRR@10": reciprocalRank(ranks, 10),
    "HR@5": hitRate(ranks, 5),
    "NDCG@5": ndcg(ranks, 5),
    "HR@20": hitRate(ranks, 20),
    "NDCG@20": ndcg(ranks, 20),
  };
}

function mean(ranks: Int32Array, gain: (rank: number) => number): number {
  let sum = 0;
  for (const rank of ranks) sum += gain(rank);
  return ranks.length === 0 ? 0 : sum / ranks.length;
}
