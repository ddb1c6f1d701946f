/** @file Writes the events that a store holds to a file, as `sequitur import` reads it. */

import { randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import pg from "pg";
import { type Database, firstRow, literal, withDatabase } from "../../data/database.ts";
import { syncFolder, systemCode } from "../../data/files.ts";
import { ConfigError, DataError } from "../../tensor/errors.ts";
import { STATE_FILE } from "./duckdb-file.ts";
import { postgresUrl } from "./open-store.ts";
import { publicUrl } from "./postgres-store.ts";
import { cannotOpen } from "./store-errors.ts";

export interface ExportEventsOptions {
  /** A PostgreSQL address; by default the embedded store is read. */
  readonly store?: string | undefined;
  /** The state folder of the embedded store. */
  readonly directory: string;
  /** The file to write, a .csv, .jsonl or .parquet; one of this name is replaced. */
  readonly out: string;
}

/** What a file of events holds. */
export interface ExportedEvents {
  readonly events: number;
  readonly users: number;
  readonly items: number;
  /** Seconds since 1970 of the first and of the last event; null where there is none. */
  readonly from: number | null;
  readonly to: number | null;
}

/** How DuckDB writes each kind of file; what must be quoted is. */
const formats: Readonly<Record<string, string>> = {
  ".csv": "FORMAT csv, HEADER",
  ".jsonl": "FORMAT json",
  ".parquet": "FORMAT parquet, COMPRESSION zstd",
};

/** So many events are fetched from PostgreSQL at a time. */
const perFetch = 10_000;

/**
 * Writes user_id, item_id and timestamp of all events, in the order of their times; those of one time in the order they
 * came. Events of erased users are no longer in a store. The file appears whole or not at all.
 *
 * @throws ConfigError for a file or store of no known kind; DataError where the store cannot be read, or a running
 * service has it, or the file cannot be written
 */
export async function exportEvents({ store, directory, out }: ExportEventsOptions): Promise<ExportedEvents> {
  const format = formats[extname(out).toLowerCase()];
  if (format === undefined) {
    const known = Object.keys(formats).join(", ");
    throw new ConfigError("unknown-file-type", `--out: ${out} must end in one of ${known}`);
  }
  if (store === "memory") {
    throw new ConfigError(
      "unknown-store",
      "--store memory: such a store keeps nothing that could be written",
    );
  }
  const url = store === undefined ? undefined : postgresUrl(store);
  await requireFolder(out);
  const temporary = join(dirname(resolve(out)), `.${basename(out)}.${randomUUID()}.tmp`);
  try {
    return await withDatabase({ memoryLimit: "1GB", temporary: `${temporary}.spill` }, async (database) => {
      const events = url === undefined ? await attach(database, directory) : await fetched(database, url);
      const written = await firstRow<ExportedEvents>(
        database,
        `SELECT count(*)::DOUBLE AS events, count(DISTINCT user_id)::DOUBLE AS users,
           count(DISTINCT item_id)::DOUBLE AS items, min(time) AS "from", max(time) AS "to" FROM ${events}`,
      );
      const rows = `SELECT user_id, item_id, time AS timestamp FROM ${events} ORDER BY time, seq`;
      await database.run(`COPY (${rows}) TO ${literal(temporary)} (${format})`).catch((error: unknown) => {
        throw cannotOpen(out, error);
      });
      await place(temporary, out);
      return written;
    });
  } finally {
    await rm(temporary, { force: true });
    await rm(`${temporary}.spill`, { recursive: true, force: true });
  }
}

/** The table of an embedded store that no service has open; it is only read. */
async function attach(database: Database, directory: string): Promise<string> {
  const path = join(directory, STATE_FILE);
  const where = `state folder ${directory}`;
  const there = await stat(path).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw cannotOpen(where, error);
  });
  if (there === undefined) {
    const message = `${where}: there is no ${STATE_FILE} in it; name the folder of the service with --state`;
    throw new DataError("no-store", message, { directory });
  }
  try {
    await database.run(`ATTACH ${literal(path)} AS state (READ_ONLY)`);
  } catch (error) {
    if (!/lock/i.test(String(error))) throw cannotOpen(where, error);
    const message = `${where}: a running service has it open; stop the service, export, and start it again`;
    throw new DataError("store-in-use", message, { directory });
  }
  return "state.events";
}

/** A table with the events of PostgreSQL, as they are at one moment. */
async function fetched(database: Database, url: string): Promise<string> {
  await database.run("CREATE TABLE events (user_id VARCHAR, item_id VARCHAR, time DOUBLE, seq DOUBLE)");
  const appender = await database.createAppender("events");
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: "sequitur-export",
  });
  client.on("error", () => {}); // the query that is under way fails with it
  try {
    await client.connect();
    await client.query("BEGIN READ ONLY");
    await client.query(
      "DECLARE events NO SCROLL CURSOR FOR SELECT user_id, item_id, time, seq FROM sequitur_events",
    );
    for (;;) {
      const { rows } = await client.query<string[]>({
        text: `FETCH ${perFetch} FROM events`,
        rowMode: "array",
      });
      if (rows.length === 0) break;
      for (const [user, item, time, seq] of rows) {
        appender.appendVarchar(user!);
        appender.appendVarchar(item!);
        appender.appendDouble(Number(time));
        appender.appendDouble(Number(seq));
        appender.endRow();
      }
      appender.flushSync();
    }
  } catch (error) {
    throw cannotOpen(`store ${publicUrl(url)}`, error);
  } finally {
    appender.closeSync();
    await client.end().catch(() => {});
  }
  return "events";
}

/** Puts a finished file in its place, durable. */
async function place(temporary: string, out: string): Promise<void> {
  const file = await open(temporary, "r+");
  await file.sync();
  await file.close();
  await rename(temporary, out).catch((error: unknown) => {
    if (systemCode(error) !== "EISDIR") throw error;
    throw new DataError("not-a-file", `${out}: this is a folder; name a file in it`, { path: out });
  });
  await syncFolder(dirname(resolve(out)));
}

async function requireFolder(out: string): Promise<void> {
  const folder = dirname(resolve(out));
  const there = await stat(folder).catch(() => undefined);
  if (there?.isDirectory()) return;
  throw new DataError("missing-folder", `${out}: there is no folder ${folder}; make it first`, { path: out });
}
