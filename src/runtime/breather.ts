/** @file Long arithmetic on the calling thread lets go now and then, so that the event loop has its turn. */

/** In a browser, which has no setImmediate, a turn of its timers. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve);
  });

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
