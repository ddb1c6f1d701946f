/** @file Lets requests in a few at a time, so that those that must be refused are refused at once however many come. */

import type { QueueOptions } from "../batcher.ts";

export interface Door {
  /** Calls `work` at once, or when others have left; false where the wait would be too long, and `work` is never called. */
  enter(work: () => void): boolean;
  /** What is inside takes so many places more. */
  hold(places: number): void;
  /**
   * To be called once for each `work` when it has come to its end, and for what `hold` took: so many places are free again,
   * and so many requests were answered; one of each by default.
   */
  leave(done?: { readonly places: number; readonly requests: number }): void;
  /** How many wait. */
  readonly waiting: number;
}

export interface DoorOptions extends Pick<QueueOptions, "queue" | "maxWaitMs"> {
  /** The most requests inside; 32 by default. */
  readonly room?: number | undefined;
}

/** So many of those that wait are let in in one turn of the event loop, so that newcomers are heard in between. */
const perTurn = 8;

/** How long, and how many, to count before it is known how long a request takes. */
const enough = { ms: 50, requests: 16 } as const;

/**
 * A request that waits here has cost next to nothing: its body was not read. How long a newcomer would wait is known
 * from how many have left since others began to wait.
 */
export function createDoor({ queue = 1024, maxWaitMs = 250, room = 32 }: DoorOptions = {}): Door {
  let waiting: (() => void)[] = [];
  let first = 0; // of those that wait
  let inside = 0;
  let admitting = false;
  let msEach = 0; // moving average
  let counted = { ms: 0, requests: 0 }; // while others waited
  let last = 0;

  const count = (): number => waiting.length - first;

  function learn(requests: number): void {
    const now = performance.now();
    counted.ms += now - last;
    counted.requests += requests;
    last = now;
    if (counted.ms < enough.ms || counted.requests < enough.requests) return;
    const each = counted.ms / counted.requests;
    msEach = msEach === 0 ? each : msEach + 0.3 * (each - msEach);
    counted = { ms: 0, requests: 0 };
  }

  function next(): (() => void) | undefined {
    const work = waiting[first++];
    if (2 * first < waiting.length) return work;
    waiting = waiting.slice(first); // what has been let in is not held any longer
    first = 0;
    return work;
  }

  function admitSoon(): void {
    if (!admitting) setImmediate(admit);
    admitting = true;
  }

  function admit(): void {
    admitting = false;
    for (let n = 0; n < perTurn && inside < room && count() > 0; n++) {
      inside++;
      next()!();
    }
    if (inside < room && count() > 0) admitSoon();
  }

  return {
    enter(work) {
      if (inside < room && count() === 0) {
        inside++;
        work();
        return true;
      }
      if (count() >= queue || count() * msEach > maxWaitMs) return false;
      if (count() === 0) last = performance.now();
      waiting.push(work);
      return true;
    },
    hold(places) {
      inside += places;
    },
    leave({ places, requests } = { places: 1, requests: 1 }) {
      inside -= places;
      if (count() === 0) return;
      learn(requests);
      admitSoon();
    },
    get waiting() {
      return count();
    },
  };
}
