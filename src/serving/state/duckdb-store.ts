/** @file The embedded store: one DuckDB file in a state folder, written by one process. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type InTurn, oneAfterTheOther } from "../../runtime/ort.ts";
import {
  eraseUser,
  insertEvents,
  metaValue,
  openStateFile,
  readEvents,
  rewriteStateFile,
  STATE_FILE,
  type StateFile,
} from "./duckdb-file.ts";
import { erasureMark } from "./erased-users.ts";
import { groupCommit } from "./group-commit.ts";
import { type HistoryCache, historyCache } from "./history-cache.ts";
import type { ItemChange, LiveEvent, LiveItem, Store, UserEvents } from "./store.ts";
import { cannotOpen, storeFailure } from "./store-errors.ts";

export interface DuckdbStoreOptions {
  /** The state folder; made where there is none. */
  readonly directory: string;
  /** The most events that are kept in memory; 2 million by default. */
  readonly cachedEvents?: number;
  /** How long after an erasure the file is written anew; 1,000 ms by default. */
  readonly rewriteAfterMs?: number;
  /** What the database may take; "1GB" by default. */
  readonly memoryLimit?: string;
}

const memoryDefault = "1GB";

/** Opens the state folder; DataError where it cannot be written or another process has it. */
export async function duckdbStore(options: DuckdbStoreOptions): Promise<Store> {
  const { directory, memoryLimit = memoryDefault } = options;
  const path = join(directory, STATE_FILE);
  try {
    await mkdir(directory, { recursive: true });
    const file = await openStateFile(path, memoryLimit);
    const key = (await metaValue(file, "key"))!;
    const last = await file.writer.runAndReadAll("SELECT coalesce(max(seq), 0) FROM events");
    const store = new DuckdbStore({ ...options, file, key, seq: 1 + (last.getRows()[0]![0] as number) });
    if ((await metaValue(file, "rewrite")) !== undefined) await store.rewrite();
    return store;
  } catch (error) {
    throw cannotOpen(`state folder ${directory}`, error);
  }
}

interface Opened extends DuckdbStoreOptions {
  readonly file: StateFile;
  readonly key: string;
  readonly seq: number;
}

class DuckdbStore implements Store {
  readonly kind = "duckdb";
  readonly append: Store["append"];
  readonly #options: Opened;
  readonly #cache: HistoryCache;
  readonly #inTurn: InTurn = oneAfterTheOther(); // everything that writes
  #file: StateFile;
  #seq: number;
  #reads = 0;
  /** Pending while the file is closed, so that nobody reads. */
  #closed: Promise<unknown> | undefined;
  /** True where a write failed in a way that DuckDB only mends by opening the file again. */
  #broken = false;
  #rewriting: NodeJS.Timeout | undefined;

  constructor(opened: Opened) {
    this.#options = opened;
    this.#file = opened.file;
    this.#seq = opened.seq;
    this.#cache = historyCache((user) => this.#read(user), opened.cachedEvents ?? 2_000_000);
    this.append = groupCommit({ commit: (events) => this.#write(() => this.#commit(events)) });
  }

  events(user: string): Promise<UserEvents> {
    return this.#cache.get(user);
  }

  async erase(user: string): Promise<void> {
    await this.#write(() => eraseUser(this.#file, user, erasureMark(this.#options.key, user)));
    this.#cache.drop(user);
    this.#rewriting ??= setTimeout(
      () => void this.rewrite().catch(() => {}), // it stays due, and is done when the store is opened the next time
      this.#options.rewriteAfterMs ?? 1000,
    );
  }

  async changeItem(change: ItemChange): Promise<void> {
    const put = change.kind === "put";
    const row = put ? [change.item.id, JSON.stringify(change.item)] : [change.id, null];
    await this.#write(() => this.#file.writer.run("INSERT OR REPLACE INTO items VALUES ($1, $2)", row));
  }

  itemChanges(): Promise<readonly ItemChange[]> {
    return this.#write(async () => {
      const reply = await this.#file.writer.runAndReadAll("SELECT id, content FROM items");
      return reply.getRows().map(([id, content]) => itemChange(id as string, content as string | null));
    });
  }

  onItemChange(): void {} // no other process can write here

  /** Writes the file anew, so that nothing of what was erased is left on the disk. */
  async rewrite(): Promise<void> {
    clearTimeout(this.#rewriting);
    this.#rewriting = undefined;
    await this.#write(() =>
      this.#exchange(() => rewriteStateFile(this.#file, this.#options.memoryLimit ?? memoryDefault)),
    );
  }

  async close(): Promise<void> {
    if (this.#rewriting !== undefined) await this.rewrite();
    await this.#inTurn(() =>
      this.#exchange(async () => {
        this.#file.close();
        return this.#file;
      }),
    );
  }

  async #commit(events: readonly LiveEvent[]): Promise<ReadonlySet<string>> {
    const added = await insertEvents(this.#file, events, this.#seq);
    this.#seq += events.length;
    for (const event of events) if (added.has(event.id)) this.#cache.add(event);
    return added;
  }

  async #read(user: string): Promise<UserEvents> {
    while (this.#closed) await this.#closed;
    this.#reads++;
    try {
      return await readEvents(this.#file, user, erasureMark(this.#options.key, user));
    } catch (error) {
      throw storeFailure(this.#place, error);
    } finally {
      this.#reads--;
    }
  }

  /** Puts another open file in the place of this one while nobody reads. */
  async #exchange(open: () => Promise<StateFile>): Promise<void> {
    const work = (async () => {
      while (this.#reads > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      this.#file = await open();
    })();
    this.#closed = work.catch(() => {});
    try {
      await work;
    } finally {
      this.#closed = undefined;
    }
  }

  #write<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      try {
        if (this.#broken) await this.#reopen();
        return await work();
      } catch (error) {
        this.#broken ||= /fatal|INTERNAL|closed|disconnected/i.test(String(error));
        throw storeFailure(this.#place, error);
      }
    });
  }

  async #reopen(): Promise<void> {
    await this.#exchange(async () => {
      this.#file.close();
      return openStateFile(this.#file.path, this.#options.memoryLimit ?? memoryDefault);
    });
    this.#broken = false;
  }

  get #place(): string {
    return `state folder ${this.#options.directory}`;
  }
}

/** A row of the table of items as what it says. */
export function itemChange(id: string, content: string | null): ItemChange {
  return content === null ? { kind: "delete", id } : { kind: "put", item: JSON.parse(content) as LiveItem };
}
