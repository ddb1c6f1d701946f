/** @file Calls a pure function in a thread of its own, so that long arithmetic does not hold up the event loop. */
import { Worker } from "node:worker_threads";
import { RuntimeFailure } from "../tensor/errors.ts";

export interface ThreadCall {
  /** URL of the module. */
  readonly module: string;
  /** Name of an exported function of one argument; argument and result are copied between threads. */
  readonly name: string;
  readonly argument: unknown;
}

export type CallInThread = <T>(call: ThreadCall) => Promise<T>;

/** The function's result. @throws RuntimeFailure when it throws */
export function callInThread<T>(call: ThreadCall): Promise<T> {
  const worker = new Worker(new URL("./thread-entry.js", import.meta.url), { workerData: call });
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", (error) =>
      reject(new RuntimeFailure("thread", `${call.name} failed: ${error.message}`)),
    );
    worker.once("exit", () =>
      reject(new RuntimeFailure("thread", `${call.name}: its thread ended without a result`)),
    );
  });
}
