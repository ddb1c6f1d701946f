/** @file A content reader in a worker thread, which starts with the first item that is to be read. */
import type { ContentReader, DescribedItem, ReadItem } from "../retrieval/content-reader.ts";
import { type ObjectThread, startObject } from "../runtime/object-thread.ts";
import { isBadInput, RuntimeFailure } from "../tensor/errors.ts";
import { contentTables, idsAlone, readsContent } from "./new-items.ts";
import type { ContentSpec } from "./run-content.ts";

/** Items that go to the thread together. */
const BATCH = 64;

/** The content reader of a run; a thread that ends is replaced when the next item comes. */
export function workerContent(spec: ContentSpec): ContentReader {
  const tables = contentTables(spec.config);
  if (!readsContent(spec.config)) return idsOnly(spec.recipe);
  let thread: ObjectThread<void> | undefined;

  async function open(): Promise<ObjectThread<void>> {
    if (!thread || thread.ended)
      thread = startObject<void>({
        entry: new URL("./content-entry.js", import.meta.url),
        data: spec,
        name: "content thread",
      });
    const own = thread;
    await own.head.catch(async (error: unknown) => {
      await own.terminate();
      throw error;
    });
    return own;
  }

  async function send(items: readonly DescribedItem[]): Promise<readonly ReadItem[]> {
    try {
      return await (await open()).send<ReadItem[]>("read", [items]);
    } catch (error) {
      if (isBadInput(error)) return items.map((item) => unreadable(item, error));
      if (!(error instanceof RuntimeFailure)) throw error;
      throw new RuntimeFailure("content", `items could not be encoded: ${error.message}`);
    }
  }

  return {
    tables,
    async read(items) {
      const read: ReadItem[] = [];
      for (let from = 0; from < items.length; from += BATCH) {
        const some = items.slice(from, from + BATCH);
        read.push(...(await send(some)));
      }
      return read.map((one) => (one.vector === null ? { reason: nothingRead(one), ...one } : one));
    },
    async dispose() {
      if (thread && !thread.ended) await thread.send("dispose", []).catch(() => {});
      await thread?.terminate();
    },
  };
}

/** Of a model that knows items by their ids alone: those that it was trained with stay as they are. */
function idsOnly(recipe: string): ContentReader {
  const unknown: ReadItem = { vector: null, missing: {}, reason: idsAlone(recipe) };
  return {
    tables: [],
    read: async (items) => items.map(({ row }) => (row === undefined ? unknown : { missing: {} })),
    dispose: async () => {},
  };
}

/** Where what reads content cannot be opened: what the model has for an item that it was trained with stays. */
function unreadable({ row }: DescribedItem, { code }: { readonly code: string }): ReadItem {
  const reason = `what reads new items could not be opened (${code}), so the item cannot be recommended; see that the run's dataset and encoders are where they were`;
  return row === undefined ? { vector: null, missing: {}, reason } : { missing: {} };
}

const nothingRead = ({ missing }: ReadItem): string => {
  const all = Object.entries(missing).map(([table, why]) => `${table}: ${why}`);
  const what =
    all.length > 0 ? all.join("; ") : "neither its fields nor its title nor a picture say anything to it";
  return `the item has nothing that the model reads, so it cannot be recommended (${what})`;
};
