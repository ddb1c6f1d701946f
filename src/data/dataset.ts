/** @file A dataset folder in memory: typed arrays (CSR), times, id maps and item metadata. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { DataError } from "../tensor/errors.ts";
import { type Database, pathLiteral, streamColumns, streamRows, withDatabase } from "./database.ts";
import { sha256File } from "./files.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** An item's id, its title where known, and all other columns of the items file as JSON values. */
export interface Item {
  readonly id: string;
  readonly title?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Every user's items in time order, and the ids behind the indices. */
export interface Interactions {
  /** User index → id. */
  readonly users: readonly string[];
  /** Item index → id; there is no padding item. */
  readonly items: readonly string[];
  /** User `u` owns `sequence[offsets[u] .. offsets[u + 1])`. */
  readonly offsets: Int32Array;
  /** Item indices, per user in time order; ties keep input order. */
  readonly sequence: Int32Array;
  /** Seconds since 1970 beside `sequence`; absent where only an order is known. */
  readonly times?: Float64Array;
}

/** A dataset folder that has been opened. */
export interface Dataset extends Interactions {
  readonly directory: string;
  readonly manifest: Manifest;
}

/** Opens a dataset folder; DataError where it is missing, of another version, or where a file was altered. */
export async function openDataset(directory: string): Promise<Dataset> {
  const manifest = await readManifest(directory);
  for (const [name, expected] of Object.entries(manifest.files)) {
    if ((await sha256File(join(directory, name))) === expected) continue;
    const what = `${directory}: the dataset was altered: hash mismatch of ${name}; import it again`;
    throw new DataError("altered-file", what, { directory, file: name });
  }
  const interactions = await withDatabase({}, (database) =>
    loadInteractions(database, directory, manifest.counts.interactions, manifest.time.kind === "timestamp"),
  );
  return Object.freeze({ directory, manifest, ...interactions });
}

/** Reads the data files of a folder, whose manifest may not be written yet. */
export async function loadInteractions(
  database: Database,
  directory: string,
  rows: number,
  timed: boolean,
): Promise<Interactions> {
  const users: string[] = [];
  const lengths: number[] = [];
  await streamRows(database, `SELECT id, interactions FROM ${table(directory, "users")}`, ([id, length]) => {
    users.push(id as string);
    lengths.push(length as number);
  });
  const items: string[] = [];
  await streamRows(database, `SELECT id FROM ${table(directory, "items")}`, ([id]) =>
    items.push(id as string),
  );
  const offsets = new Int32Array(users.length + 1);
  for (const [user, length] of lengths.entries()) offsets[user + 1] = offsets[user]! + length;
  const sequence = new Int32Array(rows);
  const from = table(directory, "interactions");
  if (!timed) {
    await streamColumns(database, `SELECT item FROM ${from}`, [sequence]);
    return { users, items, offsets, sequence };
  }
  const times = new Float64Array(rows);
  await streamColumns(database, `SELECT item, time FROM ${from}`, [sequence, times]);
  return { users, items, offsets, sequence, times };
}

/** SHA-256 of the ids, the sequences and the times, whatever files they came from. */
export function contentHashOf({ users, items, offsets, sequence, times }: Interactions): string {
  const hash = createHash("sha256").update("sequitur content 1");
  for (const ids of [users, items]) {
    hash.update(`\n${ids.length}\n`);
    for (let start = 0; start < ids.length; start += 65_536) {
      hash.update(JSON.stringify(ids.slice(start, start + 65_536)));
    }
  }
  hash.update(offsets).update(sequence);
  if (times !== undefined) hash.update(times);
  return hash.digest("hex");
}

/** Every item by its index; one without metadata has an id and no fields. Missing values (null) are left out. */
export async function readItems({ directory }: Pick<Dataset, "directory">): Promise<readonly Item[]> {
  const items: Item[] = [];
  await withDatabase({}, (database) =>
    streamRows(
      database,
      `SELECT id, title, fields FROM ${table(directory, "items")}`,
      ([id, title, json]) => {
        const all = json === null ? {} : (JSON.parse(json as string) as Record<string, unknown>);
        const fields = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
        items.push(
          Object.freeze({ id: id as string, ...(title === null ? {} : { title: title as string }), fields }),
        );
      },
    ),
  );
  return items;
}

function table(directory: string, name: string): string {
  return `read_parquet(${pathLiteral(join(directory, `${name}.parquet`))})`;
}
