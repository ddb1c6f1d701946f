/** @file One person's history and what is recommended to them, for the demo. */

import type { Dataset } from "../data/dataset.ts";
import { formatTable } from "../evaluation/table.ts";
import type { Recommendation, RecommendedItem, Recommender } from "../serving/recommender.ts";

/** The most recent items of a user, oldest first, and the recommendations that follow. */
export interface Example {
  readonly user: string;
  readonly interactions: number;
  readonly recent: readonly { readonly id: string; readonly title?: string }[];
  readonly recommended: readonly RecommendedItem[];
}

const [SHOWN, TYPICAL_LENGTH] = [8, 40] as const;

/** Takes the user whose history is closest to a typical length, and asks for recommendations. */
export async function findExample(dataset: Dataset, recommender: Recommender): Promise<Example> {
  const { users, items, offsets, sequence } = dataset;
  const lengthOf = (user: number) => offsets[user + 1]! - offsets[user]!;
  let chosen = 0;
  for (let user = 1; user < users.length; user++) {
    if (Math.abs(lengthOf(user) - TYPICAL_LENGTH) < Math.abs(lengthOf(chosen) - TYPICAL_LENGTH))
      chosen = user;
  }
  const end = offsets[chosen + 1]!;
  const recent = sequence.subarray(Math.max(offsets[chosen]!, end - SHOWN), end);
  const user = users[chosen]!;
  const answer: Recommendation = await recommender.recommend({ user, k: SHOWN });
  return {
    user,
    interactions: lengthOf(chosen),
    recent: Array.from(recent, (index) => described(recommender, items[index]!)),
    recommended: answer.items,
  };
}

function described(recommender: Recommender, id: string): { id: string; title?: string } {
  const title = recommender.item(id)?.title;
  return title === undefined ? { id } : { id, title };
}

/** The example as a person reads it. */
export function exampleText({ user, interactions, recent, recommended }: Example): string {
  const seen = recent.map(({ id, title }) => `  ${title ?? id}`);
  const rows = recommended.map(({ id, title, score }) => [`  ${title ?? id}`, score.toFixed(2)]);
  return [
    `user ${user}, the last ${recent.length} of ${interactions}:`,
    ...seen,
    "",
    formatTable(["recommended next", "score"], rows),
  ].join("\n");
}
