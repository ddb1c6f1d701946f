/** @file A user's history: what the model's dataset holds, then what happened since. */

import type { HistoryOf } from "../recommender.ts";
import type { UserEvents } from "./store.ts";

/** What a dataset holds of a user, oldest first; undefined for who is not in it. */
export type TrainedHistory = (
  user: string,
) => { readonly items: readonly string[]; readonly times?: Float64Array | undefined } | undefined;

/**
 * Puts live events behind those of the dataset. An event that the dataset holds already, the same item at the same
 * time, counts once: a model may have been trained again on what was reported here. Of a user who was erased the
 * dataset's part is void.
 */
export function liveHistories(
  events: (user: string) => Promise<UserEvents>,
  trained?: TrainedHistory,
): HistoryOf {
  return async (user) => {
    const live = await events(user);
    const before = live.erased ? undefined : trained?.(user);
    if (before === undefined) return live.items.length > 0 ? live.items : undefined;
    if (live.items.length === 0) return before.items;
    return [...before.items, ...newItems(live, before)];
  };
}

type Before = NonNullable<ReturnType<TrainedHistory>>;

function newItems(live: UserEvents, { items, times }: Before): readonly string[] {
  const last = times?.at(-1);
  if (times === undefined || last === undefined || live.times[0]! > last) return live.items;
  const held = new Set(items.map((item, at) => `${times[at]} ${item}`));
  return live.items.filter((item, at) => !held.has(`${live.times[at]} ${item}`));
}
