/** @file The shared store: a PostgreSQL database, read and written by any number of replicas. */

import pg from "pg";
import { itemChange } from "./duckdb-store.ts";
import { erasureMark, newErasureKey } from "./erased-users.ts";
import { groupCommit } from "./group-commit.ts";
import { listen } from "./postgres-listen.ts";
import { type ItemChange, type LiveEvent, MOST_EVENTS, type Store, type UserEvents } from "./store.ts";
import { cannotOpen, storeFailure } from "./store-errors.ts";

export interface PostgresStoreOptions {
  /** Such as "postgres://user:password@host:5432/database". */
  readonly url: string;
  /** Connections at most; 8 by default. */
  readonly connections?: number;
}

/** One lock for making the tables, one for numbering item changes in the order in which they can be seen. */
const locks = { tables: 5_316_001, items: 5_316_002 } as const;

const schema = `
  CREATE TABLE IF NOT EXISTS sequitur_meta (key text PRIMARY KEY, value text NOT NULL);
  CREATE TABLE IF NOT EXISTS sequitur_events (id text PRIMARY KEY, user_id text NOT NULL, item_id text NOT NULL,
    time double precision NOT NULL, seq bigint GENERATED ALWAYS AS IDENTITY);
  CREATE INDEX IF NOT EXISTS sequitur_events_by_user ON sequitur_events (user_id, time, seq);
  CREATE TABLE IF NOT EXISTS sequitur_items (id text PRIMARY KEY, content text, version bigint NOT NULL);
  CREATE INDEX IF NOT EXISTS sequitur_items_by_version ON sequitur_items (version);
  CREATE SEQUENCE IF NOT EXISTS sequitur_item_versions;
  CREATE TABLE IF NOT EXISTS sequitur_erased (mark text PRIMARY KEY);`;

const insertEvents = `INSERT INTO sequitur_events (id, user_id, item_id, time)
  SELECT id, user_id, item_id, time FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[])
    WITH ORDINALITY AS event (id, user_id, item_id, time, at) ORDER BY at
  ON CONFLICT DO NOTHING RETURNING id`;

const recent = (column: string): string => `ARRAY(SELECT ${column} FROM sequitur_events WHERE user_id = $1
    ORDER BY time DESC, seq DESC LIMIT ${MOST_EVENTS})`;
const selectEvents = `SELECT ${recent("item_id")} AS items, ${recent("time")} AS times,
  EXISTS (SELECT 1 FROM sequitur_erased WHERE mark = $2) AS erased`;

/** Connects and makes the tables where there are none; DataError where that fails. */
export async function postgresStore({ url, connections = 8 }: PostgresStoreOptions): Promise<Store> {
  const place = `store ${publicUrl(url)}`;
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    connectionTimeoutMillis: 5000,
    statement_timeout: 10_000,
    application_name: "sequitur",
  });
  pool.on("error", () => {}); // an idle connection that broke is replaced by the pool
  try {
    const key = await prepare(pool);
    return connectedStore({ url, pool, key, place });
  } catch (error) {
    await pool.end();
    throw cannotOpen(place, error);
  }
}

async function prepare(pool: pg.Pool): Promise<string> {
  return transaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock($1)", [locks.tables]);
    await client.query(schema);
    await client.query(
      "INSERT INTO sequitur_meta VALUES ('format', '1'), ('key', $1) ON CONFLICT DO NOTHING",
      [newErasureKey()],
    );
    const { rows } = await client.query("SELECT value FROM sequitur_meta WHERE key = 'key'");
    return rows[0].value as string;
  });
}

interface Connected {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly key: string;
  readonly place: string;
}

function connectedStore({ url, pool, key, place }: Connected): Store {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storeFailure(place, error);
    }
  };
  const listener = listen(url, pool);
  return {
    kind: "postgres",
    append: groupCommit({ commit: (events) => guarded(() => commit(pool, events)) }),
    events: (user) => guarded(() => readEvents(pool, user, erasureMark(key, user))),
    erase: (user) =>
      guarded(() =>
        transaction(pool, async (client) => {
          await client.query("DELETE FROM sequitur_events WHERE user_id = $1", [user]);
          await client.query("INSERT INTO sequitur_erased VALUES ($1) ON CONFLICT DO NOTHING", [
            erasureMark(key, user),
          ]);
        }),
      ),
    changeItem: (change) =>
      guarded(async () => {
        const version = await transaction(pool, (client) => storeItem(client, change));
        listener.ignore(change.kind === "put" ? change.item.id : change.id, version);
      }),
    itemChanges: () =>
      guarded(async () => {
        const { rows } = await pool.query("SELECT id, content, version FROM sequitur_items ORDER BY version");
        listener.known(Number(rows.at(-1)?.version ?? 0));
        return rows.map(({ id, content }) => itemChange(id, content));
      }),
    onItemChange: (told) => listener.start(told),
    async close() {
      await listener.stop();
      await pool.end();
    },
  };
}

async function commit(pool: pg.Pool, events: readonly LiveEvent[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query({
    name: "sequitur-insert",
    text: insertEvents,
    values: [
      events.map(({ id }) => id),
      events.map(({ user }) => user),
      events.map(({ item }) => item),
      events.map(({ time }) => time),
    ],
  });
  return new Set(rows.map(({ id }) => id as string));
}

async function readEvents(pool: pg.Pool, user: string, mark: string): Promise<UserEvents> {
  const { rows } = await pool.query({ name: "sequitur-events", text: selectEvents, values: [user, mark] });
  const { items, times, erased } = rows[0] as { items: string[]; times: number[]; erased: boolean };
  return { items: items.reverse(), times: times.reverse(), erased };
}

/** Stores a change and tells the replicas; its version. Versions become visible in their order. */
async function storeItem(client: pg.PoolClient, change: ItemChange): Promise<number> {
  await client.query("SELECT pg_advisory_xact_lock($1)", [locks.items]);
  const [id, content] =
    change.kind === "put" ? [change.item.id, JSON.stringify(change.item)] : [change.id, null];
  const { rows } = await client.query(
    `INSERT INTO sequitur_items VALUES ($1, $2, nextval('sequitur_item_versions'))
     ON CONFLICT (id) DO UPDATE SET content = excluded.content, version = excluded.version RETURNING version`,
    [id, content],
  );
  await client.query("NOTIFY sequitur_items");
  return Number(rows[0].version);
}

async function transaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** The address without a password. */
export function publicUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return "postgres";
  }
}
