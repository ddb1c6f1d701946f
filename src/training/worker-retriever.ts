/** @file A retriever in a worker thread, so that the event loop of the caller stays free. */
import { Worker } from "node:worker_threads";
import type { NewItem, Retriever } from "../retrieval/retriever.ts";
import { ConfigError, DataError, RuntimeFailure } from "../tensor/errors.ts";
import type { RetrieverSpec } from "./run-retriever.ts";

type Method = "retrieve" | "similar" | "put" | "remove" | "dispose";

export interface RetrieverRequest {
  readonly call: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

export interface RetrieverReply {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: { readonly message: string; readonly code: string; readonly kind: string };
}

type Head = Pick<Retriever, "items" | "batch" | "fields" | "report">;

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

function errorOf({ message, code, kind }: NonNullable<RetrieverReply["error"]>): Error {
  if (kind === "DataError") return new DataError(code, message);
  return kind === "ConfigError" ? new ConfigError(code, message) : new RuntimeFailure(code, message);
}

/** One thread; `ended` says why it answers no more. */
function startThread(spec: RetrieverSpec) {
  const worker = new Worker(new URL("./retriever-entry.js", import.meta.url), { workerData: spec });
  const pending = new Map<number, Pending>();
  const state: { ended: RuntimeFailure | null } = { ended: null };
  let calls = 0;
  const promised = <T>(call: number): Promise<T> =>
    new Promise((resolve, reject) => {
      pending.set(call, { resolve: resolve as Pending["resolve"], reject });
      worker.ref();
    });
  const fail = (message: string): void => {
    state.ended ??= new RuntimeFailure("worker", message);
    for (const { reject } of pending.values()) reject(state.ended);
    pending.clear();
  };
  worker.on("message", ({ call, value, error }: RetrieverReply) => {
    const entry = pending.get(call);
    pending.delete(call);
    if (pending.size === 0) worker.unref(); // it keeps the process alive only while it is at work
    if (error) entry?.reject(errorOf(error));
    else entry?.resolve(value as never);
  });
  worker.on("error", (error) => fail(`the search thread failed: ${error.message}`));
  worker.on("exit", () => fail("the search thread has ended"));
  const head = promised<Head>(calls++);
  return {
    head,
    state,
    send<T>(method: Method, args: readonly unknown[]): Promise<T> {
      if (state.ended) return Promise.reject(state.ended);
      const call = calls++;
      const answer = promised<T>(call);
      worker.postMessage({ call, method, args } satisfies RetrieverRequest);
      return answer;
    },
    terminate: () => worker.terminate(),
  };
}

/** Threads that may be started in the place of ended ones, within so many milliseconds. */
const restarts = { most: 3, withinMs: 60_000 } as const;

/**
 * Starts the thread and waits until it can answer. One that ends by itself is replaced at the next request, which first
 * puts and removes again what has been since the start.
 *
 * @throws what opening the run throws
 */
export async function workerRetriever(spec: RetrieverSpec): Promise<Retriever> {
  let thread = startThread(spec);
  let head = await thread.head.catch(async (error: unknown) => {
    await thread.terminate();
    throw error;
  });
  const changes = new Map<number, NewItem | null>();
  let started: number[] = [];
  let opening: Promise<void> = Promise.resolve();

  async function replace(): Promise<void> {
    const now = performance.now();
    started = started.filter((time) => now - time < restarts.withinMs);
    if (started.length >= restarts.most) throw thread.state.ended!;
    started.push(now);
    thread = startThread(spec);
    await thread.head;
    for (const [row, item] of changes)
      await (item ? thread.send("put", [row, item]) : thread.send("remove", [row]));
  }

  async function ask<T>(method: Method, ...args: readonly unknown[]): Promise<T> {
    if (thread.state.ended) {
      opening = opening.then(() => (thread.state.ended ? replace() : undefined));
      const opened = opening;
      opening = opened.catch(() => {});
      await opened;
    }
    return thread.send(method, args);
  }

  return {
    items: head.items,
    batch: head.batch,
    get fields() {
      return head.fields;
    },
    report: head.report,
    retrieve: (asks) => ask("retrieve", asks),
    similar: (wanted) => ask("similar", wanted),
    async put(row, item) {
      changes.set(row, { ...changes.get(row), ...item });
      const { recommendable, fields } = await ask<{ recommendable: boolean; fields: string[] }>(
        "put",
        row,
        item,
      );
      head = { ...head, fields };
      return recommendable;
    },
    async remove(row) {
      changes.set(row, null);
      await ask("remove", row);
    },
    async dispose() {
      // Ending a thread inside a native call aborts the whole process: what runs comes to its end first.
      if (!thread.state.ended) await thread.send("dispose", []).catch(() => {});
      await thread.terminate();
    },
  };
}
