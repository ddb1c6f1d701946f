/** @file A user's history: what the model's dataset holds, then what happened since. */

import type { HistoryOf, UserHistory } from "../recommendation.ts";
import type { UserEvents } from "./store.ts";

/** What a dataset holds of a user; undefined for who is not in it. */
export type TrainedHistory = (user: string) => UserHistory | undefined;

/**
 * Puts live events behind those of the dataset. An event that the dataset holds already, the same item at the same
 * time, counts once: a model may have been trained again on what was reported here. What was told late counts as met
 * with the event before it. Of a user who was erased the dataset's part is void.
 */
export function liveHistories(
  events: (user: string) => Promise<UserEvents>,
  trained?: TrainedHistory,
): HistoryOf {
  return async (user) => {
    const live = await events(user);
    const before = live.erased ? undefined : trained?.(user);
    if (before === undefined) return live.items.length > 0 ? live : undefined;
    if (live.items.length === 0) return before;
    const fresh = newEvents(live, before);
    const items = [...before.items, ...fresh.map((at) => live.items[at]!)];
    if (before.times === undefined) return { items };
    const times = Float64Array.from([...Array.from(before.times), ...fresh.map((at) => live.times[at]!)]);
    for (let at = 1; at < times.length; at++) times[at] = Math.max(times[at - 1]!, times[at]!);
    return { items, times };
  };
}

/** The places of the events that the dataset does not hold. */
function newEvents(live: UserEvents, { items, times }: UserHistory): readonly number[] {
  const all = [...live.items.keys()];
  const last = times?.[times.length - 1];
  if (times === undefined || last === undefined || live.times[0]! > last) return all;
  const held = new Set(items.map((item, at) => `${times[at]} ${item}`));
  return all.filter((at) => !held.has(`${live.times[at]} ${live.items[at]}`));
}
