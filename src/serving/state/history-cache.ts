/** @file Recent histories in memory, so that most requests need no query; the least recently used are dropped. */

import { type LiveEvent, MOST_EVENTS, type UserEvents } from "./store.ts";

interface History {
  items: string[];
  times: number[];
  erased: boolean;
}

interface Loading {
  readonly result: Promise<History>;
  /** True once something happened to the user since the query was sent. */
  stale: boolean;
}

/** Keeps up to so many events of all users together. */
export interface HistoryCache {
  /** From memory, or else loaded. */
  get(user: string): Promise<UserEvents>;
  /** An event that has become durable. */
  add(event: LiveEvent): void;
  /** Forgets a user, because their events were removed. */
  drop(user: string): void;
}

/** A cache before `load`, which reads one user's events from a storage that only this process writes. */
export function historyCache(load: (user: string) => Promise<UserEvents>, most: number): HistoryCache {
  const kept = new Map<string, History>(); // in order of use, oldest first
  const loading = new Map<string, Loading>();

  let weight = 0;

  function keep(user: string, history: History): void {
    forget(user);
    kept.set(user, history);
    weight += weightOf(history);
    for (const [oldest] of kept) {
      if (weight <= most) return;
      forget(oldest);
    }
  }

  function forget(user: string): void {
    const history = kept.get(user);
    if (history) weight -= weightOf(history);
    kept.delete(user);
  }

  async function read(user: string): Promise<History> {
    for (;;) {
      const entry: Loading = { stale: false, result: load(user).then(copy) };
      loading.set(user, entry);
      try {
        const history = await entry.result;
        if (entry.stale) continue;
        keep(user, history);
        return history;
      } finally {
        loading.delete(user);
      }
    }
  }

  const reads = new Map<string, Promise<History>>();
  return {
    get(user) {
      const known = kept.get(user);
      if (known) {
        keep(user, known);
        return Promise.resolve(known);
      }
      let pending = reads.get(user);
      if (!pending) {
        pending = read(user).finally(() => reads.delete(user));
        reads.set(user, pending);
      }
      return pending;
    },
    add(event) {
      const entry = loading.get(event.user);
      if (entry) entry.stale = true;
      const history = kept.get(event.user);
      if (!history) return;
      weight -= weightOf(history);
      insert(history, event);
      weight += weightOf(history);
    },
    drop(user) {
      const entry = loading.get(user);
      if (entry) entry.stale = true;
      forget(user);
    },
  };
}

/** An entry takes memory even where it is empty. */
const weightOf = ({ items }: History): number => items.length + 4;

const copy = ({ items, times, erased }: UserEvents): History => ({
  items: [...items],
  times: [...times],
  erased,
});

/** After all events that are not later. */
function insert({ items, times }: History, { item, time }: LiveEvent): void {
  let at = times.length;
  while (at > 0 && times[at - 1]! > time) at--;
  items.splice(at, 0, item);
  times.splice(at, 0, time);
  if (items.length <= MOST_EVENTS) return;
  items.shift();
  times.shift();
}
