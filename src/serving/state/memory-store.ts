/** @file A store that lasts as long as the process: for tests, and for services that are to keep nothing. */

import { erasureMark, newErasureKey } from "./erased-users.ts";
import { type ItemChange, type LiveEvent, MOST_EVENTS, type Store } from "./store.ts";

/** Forgets everything when it is closed. */
export function memoryStore(): Store {
  const ids = new Map<string, LiveEvent>();
  const users = new Map<string, LiveEvent[]>();
  const erased = new Set<string>();
  const key = newErasureKey();
  const items = new Map<string, ItemChange>();
  return {
    kind: "memory",
    async append(events) {
      const added = events.filter((event) => !ids.has(event.id) && ids.set(event.id, event));
      for (const event of added) {
        const known = users.get(event.user);
        if (known) known.push(event);
        else users.set(event.user, [event]);
      }
      return added.length;
    },
    async events(user) {
      const sorted = [...(users.get(user) ?? [])].sort((a, b) => a.time - b.time).slice(-MOST_EVENTS);
      return {
        items: sorted.map(({ item }) => item),
        times: sorted.map(({ time }) => time),
        erased: erased.has(erasureMark(key, user)),
      };
    },
    async erase(user) {
      for (const { id } of users.get(user) ?? []) ids.delete(id);
      users.delete(user);
      erased.add(erasureMark(key, user));
    },
    async changeItem(change) {
      items.set(change.kind === "put" ? change.item.id : change.id, change);
    },
    itemChanges: async () => [...items.values()],
    onItemChange() {},
    close: async () => {},
  };
}
