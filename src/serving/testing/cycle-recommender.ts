/** @file A recommender in the cycle world, for tests: item-1 follows item-0, and so on. */

import { createRetriever, type Retriever } from "../../retrieval/retriever.ts";
import { scoreSource } from "../../retrieval/source.ts";
import { cycleScorer, type FakeScorer } from "../../retrieval/testing/fake-scorer.ts";
import { Recommender } from "../recommender.ts";

/** Six items a..f in a circle; "f" is the most popular; user "ann" has a, b; user "new" has nothing. */
export function cycleRecommender(options: { readonly batch?: number } = {}): {
  readonly recommender: Recommender;
  readonly scorer: FakeScorer;
  readonly retriever: Retriever;
} {
  const scorer = cycleScorer(6, { batch: 4, ...options });
  const items = [..."abcdef"].map((id, index) => ({ id, title: `Title ${id}`, count: index }));
  const histories = new Map([
    ["ann", ["a", "b"]],
    ["new", []],
  ]);
  const historyOf = (user: string) => {
    const items = histories.get(user);
    return items && { items };
  };
  const retriever = createRetriever({ source: scoreSource(scorer), counts: items.map(({ count }) => count) });
  return {
    recommender: new Recommender({ retriever, items, model: "cycle@0", historyOf }),
    scorer,
    retriever,
  };
}
