/** @file A retriever in a worker thread, so that the event loop of the caller stays free. */
import type { NewItem, Retriever } from "../retrieval/retriever.ts";
import { startObject } from "../runtime/object-thread.ts";
import type { RetrieverSpec } from "./run-retriever.ts";

/** What the thread says of its retriever. */
export type RetrieverHead = Pick<Retriever, "items" | "batch" | "fields" | "report">;

/** What it says after an item was put. */
export interface PutReply extends Pick<Retriever, "fields"> {
  readonly recommendable: boolean;
}

/** What a row has become since the start: what was put there, and whether it was removed since. */
interface Change {
  readonly item: NewItem;
  readonly removed: boolean;
}

/**
 * Short-lived memory of a search. As much as is usual would stand beside so little that lasts that the engine would look
 * through the latter again and again.
 */
const youngMegabytes = 12;

const startThread = (data: RetrieverSpec, onMessage?: (text: string) => void) =>
  startObject<RetrieverHead>({
    entry: new URL("./retriever-entry.js", import.meta.url),
    data,
    name: "search thread",
    youngMegabytes,
    onMessage,
  });

/** Threads that may be started in the place of ended ones, within so many milliseconds. */
const restarts = { most: 3, withinMs: 60_000 } as const;

/**
 * Starts the thread and waits until it can answer. One that ends by itself is replaced at the next request, which first
 * puts and removes again what has been since the start.
 *
 * @throws what opening the run throws
 */
export async function workerRetriever(
  spec: RetrieverSpec,
  onMessage?: (text: string) => void,
): Promise<Retriever> {
  let thread = startThread(spec, onMessage);
  let head = await thread.head.catch(async (error: unknown) => {
    await thread.terminate();
    throw error;
  });
  const changes = new Map<number, Change>();
  let started: number[] = [];
  let opening: Promise<void> = Promise.resolve();

  async function replace(): Promise<void> {
    const now = performance.now();
    started = started.filter((time) => now - time < restarts.withinMs);
    if (started.length >= restarts.most) throw thread.ended!;
    started.push(now);
    const next = startThread(spec, onMessage);
    try {
      await next.head;
      for (const [row, { item, removed }] of changes) {
        await next.send("put", [row, item]);
        if (removed) await next.send("remove", [row]);
      }
    } catch (error) {
      await next.terminate();
      throw error;
    }
    thread = next; // not before it knows all that was put: others would be answered meanwhile
  }

  async function ask<T>(method: keyof Retriever, ...args: readonly unknown[]): Promise<T> {
    if (thread.ended) {
      opening = opening.then(() => (thread.ended ? replace() : undefined));
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
      const before = changes.get(row)?.item;
      const { vector = before?.vector, near = before?.near, fields = before?.fields } = item;
      changes.set(row, { item: { vector, near, fields }, removed: false });
      const { recommendable, ...reply } = await ask<PutReply>("put", row, item);
      head = { ...head, ...reply };
      return recommendable;
    },
    async remove(row) {
      changes.set(row, { item: changes.get(row)?.item ?? {}, removed: true });
      await ask("remove", row);
    },
    async dispose() {
      await opening;
      // Ending a thread inside a native call aborts the whole process: what runs comes to its end first.
      if (!thread.ended) await thread.send("dispose", []).catch(() => {});
      await thread.terminate();
    },
  };
}
