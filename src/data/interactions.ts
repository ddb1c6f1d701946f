/** @file The interactions of an import after they are read, step by step in SQL: code, filter, order, write. */

import { DataError } from "../tensor/errors.ts";
import { type CoreInput, kCore, largestCount } from "./core.ts";
import { type Database, firstRow, literal, streamColumns, tableOfOnes } from "./database.ts";
import type { Counts, Filters, TimeRule } from "./manifest.ts";

const unitsPerSecond = {
  seconds: 1,
  milliseconds: 1e3,
  microseconds: 1e6,
  nanoseconds: 1e9,
  "iso-8601": 1,
} as const;

/**
 * Turns `raw` into tables user_ids and item_ids (code, id) and table `coded` (user_code, item_code, time, seq), with
 * the interactions whose rating is high enough; returns the counts before and, with a threshold, after.
 */
export async function codeRaw(
  database: Database,
  unit: TimeRule["unit"],
  minRating: number | null,
): Promise<{ read: Counts; rated: Counts }> {
  const table = (name: string, id: string, order: string) => `CREATE TABLE ${name} AS
    SELECT CAST(row_number() OVER (ORDER BY ${order}) - 1 AS INTEGER) AS code, id
    FROM (SELECT ${id} AS id, min(rowid) AS first_row FROM raw GROUP BY ${id})`;
  await database.run(table("user_ids", "user_id", "first_row"));
  await database.run(table("item_ids", "item_id", "id"));
  const read = await firstRow<Counts>(
    database,
    `SELECT (SELECT CAST(count(*) AS DOUBLE) FROM raw) AS interactions,
      (SELECT CAST(count(*) AS DOUBLE) FROM user_ids) AS users, (SELECT CAST(count(*) AS DOUBLE) FROM item_ids) AS items`,
  );
  const divisor = unitsPerSecond[unit ?? "seconds"];
  const time = divisor === 1 ? "time" : `CASE WHEN dated THEN time ELSE time / ${divisor} END`;
  await database.run(`CREATE TABLE coded AS
    SELECT u.code AS user_code, i.code AS item_code, ${time} AS time, CAST(raw.rowid AS UINTEGER) AS seq
    FROM raw JOIN user_ids u ON raw.user_id = u.id JOIN item_ids i ON raw.item_id = i.id
    ${minRating === null ? "" : `WHERE rating >= ${minRating}`}`);
  if (minRating === null) {
    await database.run("DROP TABLE raw");
    return { read, rated: read };
  }
  const rated = await countCoded(database);
  const highest = await firstRow<{ rating: number }>(database, "SELECT max(rating) AS rating FROM raw");
  await database.run("DROP TABLE raw");
  if (rated.interactions > 0) return { read, rated };
  const what = `minRating: no interaction has a rating of at least ${minRating} (the highest is ${highest.rating}); lower --min-rating`;
  throw new DataError("nothing-left", what, { minRating, highest: highest.rating });
}

async function countCoded(database: Database): Promise<Counts> {
  const distinct = (column: string) => `CAST(count(DISTINCT ${column}) AS DOUBLE)`;
  const columns = `CAST(count(*) AS DOUBLE) AS interactions, ${distinct("user_code")} AS users, ${distinct("item_code")} AS items`;
  return firstRow(database, `SELECT ${columns} FROM coded`);
}

/** Keeps the first of the interactions of the same user, item and time (or position), and returns how many are left. */
export async function dropDuplicates(database: Database): Promise<number> {
  await replaceCoded(
    database,
    "SELECT user_code, item_code, time, min(seq) AS seq FROM coded GROUP BY user_code, item_code, time",
  );
  return countRows(database);
}

async function countRows(database: Database): Promise<number> {
  return (await firstRow<{ rows: number }>(database, "SELECT CAST(count(*) AS DOUBLE) AS rows FROM coded"))
    .rows;
}

async function replaceCoded(database: Database, select: string): Promise<void> {
  await database.run(`CREATE TABLE next_coded AS ${select}`);
  await database.run("DROP TABLE coded");
  await database.run("ALTER TABLE next_coded RENAME TO coded");
}

/** Keeps the k-core of `coded` and returns the counts; DataError that says which threshold left nothing. */
export async function keepCore(
  database: Database,
  before: Counts,
  read: Counts,
  filters: Filters,
): Promise<Counts> {
  const users = new Int32Array(before.interactions);
  const items = new Int32Array(before.interactions);
  await streamColumns(database, "SELECT user_code, item_code FROM coded", [users, items]);
  const { minUser, minItem } = filters;
  const input = { users, items, userCount: read.users, itemCount: read.items, minUser, minItem };
  const core = kCore(input);
  if (core.interactions === 0) throw emptiedBy(input);
  const ones = (flags: Uint8Array) => flags.reduce((sum, flag) => sum + flag, 0);
  if (core.interactions < before.interactions) {
    await tableOfOnes(database, "kept_users", core.users);
    await tableOfOnes(database, "kept_items", core.items);
    const kept = (column: string, table: string) => `${column} IN (SELECT code FROM ${table})`;
    const both = `${kept("user_code", "kept_users")} AND ${kept("item_code", "kept_items")}`;
    await replaceCoded(database, `SELECT * FROM coded WHERE ${both}`);
  }
  return { interactions: core.interactions, users: ones(core.users), items: ones(core.items) };
}

function emptiedBy({ users, items, userCount, itemCount, minUser, minItem }: CoreInput): DataError {
  const ofUser = largestCount(users, userCount);
  const ofItem = largestCount(items, itemCount);
  const fields = { minUser, minItem, largestUser: ofUser, largestItem: ofItem };
  if (ofUser < minUser) {
    const what = `minUser: no user has at least ${minUser} interactions (the most is ${ofUser}); lower --min-user`;
    return new DataError("nothing-left", what, fields);
  }
  if (ofItem < minItem) {
    const what = `minItem: no item has at least ${minItem} interactions (the most is ${ofItem}); lower --min-item`;
    return new DataError("nothing-left", what, fields);
  }
  const left = (threshold: Partial<CoreInput>) =>
    kCore({ users, items, userCount, itemCount, minUser: 1, minItem: 1, ...threshold }).interactions;
  const what =
    `minUser and minItem: the k-core of ${minUser} and ${minItem} is empty (minUser alone would leave ` +
    `${left({ minUser })} interactions, minItem alone ${left({ minItem })}); lower one of them`;
  return new DataError("nothing-left", what, fields);
}

/** Numbers the users and items that are left: tables user_index and item_index (code, position, interactions). */
export async function indexCoded(database: Database): Promise<void> {
  for (const side of ["user", "item"]) {
    await database.run(`CREATE TABLE ${side}_index AS
      SELECT code, CAST(row_number() OVER (ORDER BY code) - 1 AS INTEGER) AS position, interactions
      FROM (SELECT ${side}_code AS code, CAST(count(*) AS INTEGER) AS interactions FROM coded GROUP BY ${side}_code)`);
  }
}

/** Writes interactions.parquet (by user, time, input order) and users.parquet; returns the first and last moment. */
export async function writeInteractions(
  database: Database,
  pathOf: (name: string) => string,
  kind: TimeRule["kind"],
): Promise<{ first?: number; last?: number }> {
  const timed = kind === "timestamp";
  const columns = `u.position AS "user", i.position AS item${timed ? ", time" : ""}`;
  const joins = "JOIN user_index u ON user_code = u.code JOIN item_index i ON item_code = i.code";
  const order = kind === "input-order" ? "u.position, seq" : "u.position, time, seq";
  await copyTo(
    database,
    `SELECT ${columns} FROM coded ${joins} ORDER BY ${order}`,
    pathOf("interactions.parquet"),
  );
  const users = `SELECT position AS "user", id, interactions FROM user_index JOIN user_ids USING (code) ORDER BY position`;
  await copyTo(database, users, pathOf("users.parquet"));
  if (!timed) return {};
  return firstRow(database, "SELECT min(time) AS first, max(time) AS last FROM coded");
}

/** Writes a query's rows to a Parquet file in their order. */
export async function copyTo(database: Database, select: string, path: string): Promise<void> {
  await database.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
}
