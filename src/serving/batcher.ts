/** @file Answers concurrent requests together: one call of the model scores many histories. */

import { packHistories } from "../retrieval/histories.ts";
import type { Scorer } from "../retrieval/scorer.ts";

interface Waiting {
  readonly history: Int32Array;
  readonly resolve: (row: Float32Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Scores single histories, gathering those that arrive in one turn of the event loop or while the model is busy.
 * A request never waits for others when the model is free.
 */
export function createBatcher(scorer: Scorer): (history: Int32Array) => Promise<Float32Array> {
  let waiting: Waiting[] = [];
  let busy = false;

  async function flush(): Promise<void> {
    const taken = waiting.slice(0, scorer.batch);
    waiting = waiting.slice(scorer.batch);
    const histories = packHistories(
      taken.map(({ history }) => history),
      scorer.maxLength,
    );
    try {
      const scores = await scorer.score(histories);
      taken.forEach(({ resolve }, q) => {
        resolve(scores.subarray(q * scorer.items, (q + 1) * scorer.items));
      });
    } catch (error) {
      for (const { reject } of taken) reject(error);
    }
    if (waiting.length > 0) setImmediate(() => void flush());
    else busy = false;
  }

  return (history) =>
    new Promise((resolve, reject) => {
      waiting.push({ history, resolve, reject });
      if (busy) return;
      busy = true;
      setImmediate(() => void flush());
    });
}
