/** @file Learns of item changes that other replicas make: by notification, and by asking again now and then. */

import pg from "pg";
import { itemChange } from "./duckdb-store.ts";
import type { ItemChange } from "./store.ts";

/** How often to ask even where no notification came. */
const pollMs = 5000;

export interface ChangeListener {
  start(told: (change: ItemChange) => void): void;
  /** Up to which version everything is known already; only the first word counts. */
  known(version: number): void;
  /** A change that this process made itself and knows already: nothing as old as it is told any more. */
  ignore(id: string, version: number): void;
  stop(): Promise<void>;
}

/** Listens on a connection of its own, which is opened again when it breaks. */
export function listen(url: string, pool: pg.Pool): ChangeListener {
  const own = new Map<string, number>();
  let told: ((change: ItemChange) => void) | undefined;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let seen = -1;
  let reading = Promise.resolve();

  async function read(): Promise<void> {
    const { rows } = await pool.query(
      "SELECT id, content, version FROM sequitur_items WHERE version > $1 ORDER BY version",
      [seen],
    );
    for (const { id, content, version } of rows) {
      seen = Number(version);
      const known = own.get(id) ?? -1;
      if (seen > known) told?.(itemChange(id, content));
      if (seen >= known) own.delete(id);
    }
  }

  const refresh = (): void => {
    reading = reading.then(read).catch(() => {}); // the next turn of the clock tries again
  };

  async function connect(): Promise<void> {
    const fresh = new pg.Client({ connectionString: url, application_name: "sequitur-listen" });
    const lost = (): void => {
      if (client === fresh) client = undefined;
      fresh.end().catch(() => {});
    };
    fresh.on("error", lost);
    fresh.on("end", lost);
    fresh.on("notification", refresh);
    client = fresh;
    try {
      await fresh.connect();
      await fresh.query("LISTEN sequitur_items");
    } catch {
      lost();
    }
  }

  async function turn(): Promise<void> {
    if (client === undefined) await connect();
    refresh();
  }

  return {
    start(listener) {
      told = listener;
      if (timer !== undefined) return;
      void turn();
      timer = setInterval(() => void turn(), pollMs);
      timer.unref();
    },
    known(version) {
      if (seen < 0) seen = version;
    },
    ignore(id, version) {
      if (version > seen && told !== undefined) own.set(id, Math.max(version, own.get(id) ?? -1));
    },
    async stop() {
      clearInterval(timer);
      told = undefined;
      const last = client;
      client = undefined;
      await last?.end().catch(() => {});
      await reading;
    },
  };
}
