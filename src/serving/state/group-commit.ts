/** @file Many small appends, one transaction: what arrives while the last transaction runs goes into the next. */

import { RuntimeFailure } from "../../tensor/errors.ts";
import type { LiveEvent } from "./store.ts";

export interface GroupCommitOptions {
  /** Stores events of distinct ids in one transaction; resolves to the ids that were new. */
  readonly commit: (events: readonly LiveEvent[]) => Promise<ReadonlySet<string>>;
  /** How long the first of a group waits for others; 2 ms by default. */
  readonly waitMs?: number;
  /** The most events of one transaction, but a post is never divided; 5,000 by default. */
  readonly most?: number;
  /** The most events that wait; 50,000 by default. */
  readonly queue?: number;
}

interface Post {
  readonly events: readonly LiveEvent[];
  readonly resolve: (added: number) => void;
  readonly reject: (error: unknown) => void;
}

/** Appends that resolve to the number of new events once they are stored; a full queue refuses with code "busy". */
export function groupCommit(options: GroupCommitOptions): (events: readonly LiveEvent[]) => Promise<number> {
  const { commit, waitMs = 2, most = 5000, queue = 50_000 } = options;
  let posts: Post[] = [];
  let waiting = 0;
  let busy = false;

  function take(): Post[] {
    let events = 0;
    const upTo = posts.findIndex((post, at) => {
      events += post.events.length;
      return at > 0 && events > most;
    });
    const taken = upTo < 0 ? posts : posts.slice(0, upTo);
    posts = upTo < 0 ? [] : posts.slice(upTo);
    for (const post of taken) waiting -= post.events.length;
    return taken;
  }

  async function store(taken: readonly Post[]): Promise<void> {
    const unique = new Map<string, LiveEvent>();
    for (const { events } of taken)
      for (const event of events) if (!unique.has(event.id)) unique.set(event.id, event);
    try {
      const added = new Set(await commit([...unique.values()]));
      for (const { events, resolve } of taken) resolve(events.filter(({ id }) => added.delete(id)).length);
    } catch (error) {
      if (taken.length === 1) taken[0]!.reject(error);
      else for (const post of taken) await store([post]); // what ails one must not fail the others
    }
  }

  async function run(): Promise<void> {
    while (posts.length > 0) await store(take());
    busy = false;
  }

  return (events) =>
    new Promise((resolve, reject) => {
      if (events.length === 0) return resolve(0);
      if (waiting > 0 && waiting + events.length > queue) {
        return reject(new RuntimeFailure("busy", "too many events wait to be stored"));
      }
      waiting += events.length;
      posts.push({ events, resolve, reject });
      if (busy) return;
      busy = true;
      setTimeout(() => void run(), waitMs);
    });
}
