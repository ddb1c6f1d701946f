/** @file Diversity of a list by maximal marginal relevance. */
import type { Hits } from "./top-list.ts";

/** One row of a diversified list. */
export interface Chosen {
  /** Where the row stood in the list before. */
  readonly place: number;
  /** Its score between the worst (0) and the best (1) candidate. */
  readonly relevance: number;
  /** The largest similarity to a row above it; 0 for the first. */
  readonly similarity: number;
}

/** How many candidates a list of k is chosen from. */
export const diversityPool = (k: number): number => Math.max(50, 4 * k);

/**
 * Chooses `k` rows of a list one after the other, each the best by (1 − λ) · relevance − λ · the largest similarity to
 * those chosen before; ties keep the order of the list. λ = 0 keeps the list, λ = 1 asks for difference alone.
 *
 * Source: Carbonell & Goldstein, "The Use of MMR, Diversity-Based Reranking", SIGIR 1998, whose λ is 1 − ours; scores
 * are brought to 0 … 1 within the candidates, so that one λ means the same for all models.
 */
export function diversify(
  { rows, scores }: Hits,
  k: number,
  lambda: number,
  similarity: (a: number, b: number) => number,
): Chosen[] {
  const [best, worst] = [scores[0] ?? 0, scores.at(-1) ?? 0];
  const relevance = Array.from(scores, (score) => (best > worst ? (score - worst) / (best - worst) : 1));
  const nearest = new Float64Array(rows.length).fill(Number.NEGATIVE_INFINITY);
  const left = new Set(rows.keys());
  const chosen: Chosen[] = [];
  while (chosen.length < k && left.size > 0) {
    let [next, most] = [-1, Number.NEGATIVE_INFINITY];
    for (const place of left) {
      const value = (1 - lambda) * relevance[place]! - (chosen.length > 0 ? lambda * nearest[place]! : 0);
      if (next < 0 || value > most) [next, most] = [place, value];
    }
    left.delete(next);
    chosen.push({
      place: next,
      relevance: relevance[next]!,
      similarity: chosen.length > 0 ? nearest[next]! : 0,
    });
    for (const place of left)
      nearest[place] = Math.max(nearest[place]!, similarity(rows[next]!, rows[place]!));
  }
  return chosen;
}
