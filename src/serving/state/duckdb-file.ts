/** @file The tables of the embedded store and the file that holds them. */

import { rename, rm } from "node:fs/promises";
import { DOUBLE, type DuckDBConnection, DuckDBInstance, LIST, listValue, VARCHAR } from "@duckdb/node-api";
import { literal } from "../../data/database.ts";
import { newErasureKey } from "./erased-users.ts";
import { type LiveEvent, MOST_EVENTS, type UserEvents } from "./store.ts";

/** The name of the file in a state folder. */
export const STATE_FILE = "state.duckdb";

/** The version of the tables that this code writes and reads. */
const FORMAT = "1";

const tables = {
  meta: "key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL",
  events:
    "id VARCHAR PRIMARY KEY, user_id VARCHAR NOT NULL, item_id VARCHAR NOT NULL, time DOUBLE NOT NULL, seq DOUBLE NOT NULL",
  items: "id VARCHAR PRIMARY KEY, content VARCHAR",
  erased: "mark VARCHAR PRIMARY KEY",
} as const;

/** An open database file: one connection that writes, one that reads. */
export interface StateFile {
  readonly path: string;
  readonly writer: DuckDBConnection;
  readonly reader: DuckDBConnection;
  close(): void;
}

/** Opens the file or makes it. A file that was in use when its process ended is mended by DuckDB from its log. */
export async function openStateFile(path: string, memoryLimit: string): Promise<StateFile> {
  const instance = await DuckDBInstance.create(path, {
    autoinstall_known_extensions: "false",
    threads: "1",
    memory_limit: memoryLimit,
    temp_directory: `${path}.tmp`,
  });
  const writer = await instance.connect();
  for (const [name, columns] of Object.entries(tables))
    await writer.run(`CREATE TABLE IF NOT EXISTS ${name} (${columns})`);
  await writer.run("CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id)");
  await writer.run("INSERT INTO meta VALUES ('format', $1), ('key', $2) ON CONFLICT DO NOTHING", [
    FORMAT,
    newErasureKey(),
  ]);
  const reader = await instance.connect();
  return {
    path,
    writer,
    reader,
    close() {
      reader.closeSync();
      writer.closeSync();
      instance.closeSync();
    },
  };
}

/** A value of the table `meta`. */
export async function metaValue({ writer }: StateFile, key: string): Promise<string | undefined> {
  const reply = await writer.runAndReadAll("SELECT value FROM meta WHERE key = $1", [key]);
  return reply.getRows()[0]?.[0] as string | undefined;
}

/** Stores events in one transaction, numbered from `seq`; the ids that were new. */
export async function insertEvents(
  { writer }: StateFile,
  events: readonly LiveEvent[],
  seq: number,
): Promise<Set<string>> {
  const column = (value: (event: LiveEvent, at: number) => string | number) => listValue(events.map(value));
  const texts = LIST(VARCHAR);
  const numbers = LIST(DOUBLE);
  const reply = await writer.runAndReadAll(
    `INSERT INTO events SELECT unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      column(({ id }) => id),
      column(({ user }) => user),
      column(({ item }) => item),
      column(({ time }) => time),
      column((_, at) => seq + at),
    ],
    [texts, texts, texts, numbers, numbers],
  );
  return new Set(reply.getRows().map(([id]) => id as string));
}

/** What is stored of a user, whose mark says whether there was an erasure. */
export async function readEvents({ reader }: StateFile, user: string, mark: string): Promise<UserEvents> {
  const events = await reader.runAndReadAll(
    "SELECT item_id, time FROM events WHERE user_id = $1 ORDER BY time DESC, seq DESC LIMIT $2",
    [user, MOST_EVENTS],
  );
  const rows = events.getRows().reverse() as [string, number][];
  const erased = await reader.runAndReadAll("SELECT 1 FROM erased WHERE mark = $1", [mark]);
  return {
    items: rows.map(([item]) => item),
    times: rows.map(([, time]) => time),
    erased: erased.currentRowCount > 0,
  };
}

/** Removes a user's events and remembers the mark, in one transaction; that the file is to be rewritten is noted. */
export async function eraseUser({ writer }: StateFile, user: string, mark: string): Promise<void> {
  await writer.run("BEGIN");
  try {
    await writer.run("DELETE FROM events WHERE user_id = $1", [user]);
    await writer.run("INSERT INTO erased VALUES ($1) ON CONFLICT DO NOTHING", [mark]);
    await writer.run("INSERT INTO meta VALUES ('rewrite', 'due') ON CONFLICT DO NOTHING");
    await writer.run("COMMIT");
  } catch (error) {
    await writer.run("ROLLBACK").catch(() => {});
    throw error;
  }
}

/**
 * Writes the file anew without what was deleted, which DuckDB only marks, and opens it again. Rows of one user come to
 * lie together, which makes reading faster. Whole or not at all: the new file takes the old one's place at the end.
 */
export async function rewriteStateFile(file: StateFile, memoryLimit: string): Promise<StateFile> {
  const { path, writer } = file;
  const fresh = `${path}.new`;
  await rm(fresh, { force: true });
  await rm(`${fresh}.wal`, { force: true });
  await writer.run(`ATTACH ${literal(fresh)} AS fresh`);
  for (const [name, columns] of Object.entries(tables)) {
    await writer.run(`CREATE TABLE fresh.${name} (${columns})`);
    const order = name === "events" ? " ORDER BY user_id, time, seq" : "";
    await writer.run(`INSERT INTO fresh.${name} SELECT * FROM main.${name}${order}`);
  }
  await writer.run("DELETE FROM fresh.meta WHERE key = 'rewrite'");
  await writer.run("CREATE INDEX events_by_user ON fresh.events (user_id)");
  await writer.run("CHECKPOINT fresh");
  await writer.run("DETACH fresh");
  file.close();
  await rm(`${path}.wal`, { force: true }); // of the old file, which was closed whole
  await rename(fresh, path);
  return openStateFile(path, memoryLimit);
}
