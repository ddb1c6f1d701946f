/** @file The next turn of the event loop, in Node and in a browser. */

/** Resolves once events that wait have had their turn; a browser, which has no setImmediate, has timers for that. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else setTimeout(resolve);
  });
