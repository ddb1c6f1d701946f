/** @file Long arithmetic on the calling thread lets go now and then, so that the event loop has its turn. */
import { nextTurn } from "./next-turn.ts";

/**
 * To be awaited between pieces of work: it waits for a turn of the event loop once the work since the last one has taken
 * so many milliseconds.
 */
export function breather(milliseconds = 2): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < milliseconds) return;
    await nextTurn();
    since = performance.now();
  };
}
