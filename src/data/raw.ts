/** @file The interactions of an import as they stand in the file: columns, times, ratings, and every row checked. */

import { DataError } from "../tensor/errors.ts";
import { type Database, firstRow } from "./database.ts";
import { reading } from "./faults.ts";
import { placeOf } from "./lines.ts";
import type { TimeRule } from "./manifest.ts";
import { type Column, findColumn, needColumn, relation, type Source } from "./source.ts";

/** The names of the columns to read; the defaults are user_id, item_id, timestamp or position, and rating. */
export interface ColumnOptions {
  readonly userColumn?: string | undefined;
  readonly itemColumn?: string | undefined;
  readonly timeColumn?: string | undefined;
  readonly ratingColumn?: string | undefined;
}

/** The columns that were chosen; without a time column the order of the rows is the order. */
export interface Chosen {
  readonly user: Column;
  readonly item: Column;
  readonly time?: Column;
  readonly rating?: Column;
}

/** Finds the columns in a file; DataError that names the missing one and those there are, or where two are one. */
export function chooseColumns(source: Source, options: ColumnOptions, rated: boolean): Chosen {
  const user = needColumn(source, options.userColumn ?? "user_id", "--user-column");
  const item = needColumn(source, options.itemColumn ?? "item_id", "--item-column");
  const time =
    options.timeColumn === undefined
      ? (findColumn(source, "timestamp") ?? findColumn(source, "position"))
      : needColumn(source, options.timeColumn, "--time-column");
  const rating = rated ? needColumn(source, options.ratingColumn ?? "rating", "--rating-column") : undefined;
  if (user === item || time === user || time === item) {
    const what = `${source.path}: user, item and time must be three columns, but two are the same; choose others`;
    throw new DataError("same-column", what, { user: user.name, item: item.name, time: time?.name });
  }
  return { user, item, ...(time === undefined ? {} : { time }), ...(rating === undefined ? {} : { rating }) };
}

/** Whether the chosen time column holds moments or positions, or there is none. */
export function timeKind({ time }: Chosen): TimeRule["kind"] {
  if (time === undefined) return "input-order";
  return time.name === "position" ? "position" : "timestamp";
}

/** Reads the file into table `raw` (user_id, item_id, time, dated, rating) in input order: `rowid` counts the rows. */
export async function readRaw(database: Database, source: Source, chosen: Chosen): Promise<void> {
  const { number, moment } = timeSql(chosen.time);
  const rating = chosen.rating === undefined ? "NULL::DOUBLE" : `TRY_CAST(${chosen.rating.sql} AS DOUBLE)`;
  const sql = `CREATE TABLE raw AS
    SELECT user_id, item_id, coalesce(number, moment) AS time, number IS NULL AS dated, rating
    FROM (SELECT CAST(${chosen.user.sql} AS VARCHAR) AS user_id, CAST(${chosen.item.sql} AS VARCHAR) AS item_id,
      ${number} AS number, ${moment} AS moment, ${rating} AS rating FROM ${relation(source)})`;
  await reading(source, () => database.run(sql));
}

/** A time as a plain number, and as seconds since 1970 where it is a date; SQL of type DOUBLE, NULL where it is not. */
function timeSql(column: Column | undefined): { readonly number: string; readonly moment: string } {
  if (column === undefined) return { number: "NULL::DOUBLE", moment: "NULL::DOUBLE" };
  if (/^(TIMESTAMP|DATE)/.test(column.type ?? "")) {
    return { number: "NULL::DOUBLE", moment: `epoch(CAST(${column.sql} AS TIMESTAMP))` };
  }
  const text = `CAST(${column.sql} AS VARCHAR)`;
  const number = `TRY_CAST(${column.sql} AS DOUBLE)`;
  const date = `regexp_matches(${text}, '^\\s*[-+]?\\d')`; // DuckDB also reads words such as "epoch"
  const moment = `CASE WHEN ${number} IS NULL AND ${date} THEN epoch(TRY_CAST(${text} AS TIMESTAMPTZ)) END`;
  return { number, moment: column.name === "position" ? "NULL::DOUBLE" : moment };
}

interface RawCheck {
  readonly rows: number;
  readonly user: number | null;
  readonly item: number | null;
  readonly time: number | null;
  readonly rating: number | null;
  readonly largest: number | null;
}

/** Checks every row of `raw` and returns the unit of its times; DataError that names the first bad value and its line. */
export async function checkRaw(
  database: Database,
  source: Source,
  chosen: Chosen,
): Promise<TimeRule["unit"]> {
  const first = (condition: string) => `CAST(min(rowid) FILTER (${condition}) AS DOUBLE)`;
  const check = await firstRow<RawCheck>(
    database,
    `SELECT CAST(count(*) AS DOUBLE) AS rows, ${first("user_id IS NULL OR user_id = ''")} AS user,
      ${first("item_id IS NULL OR item_id = ''")} AS item,
      ${first(chosen.time === undefined ? "false" : "time IS NULL OR NOT isfinite(time)")} AS time,
      ${first(chosen.rating === undefined ? "false" : "rating IS NULL OR isnan(rating)")} AS rating,
      max(abs(time)) FILTER (NOT dated) AS largest FROM raw`,
  );
  if (check.rows === 0) {
    const what = `${source.path}: there are no interactions in this file, only column names`;
    throw new DataError("no-interactions", what, { path: source.path });
  }
  if (check.rows >= 2 ** 31) {
    const what = `${source.path}: ${check.rows} interactions are more than the 2,147,483,647 that fit; import a part`;
    throw new DataError("too-many-interactions", what, { path: source.path });
  }
  await refuseBadValue(database, source, chosen, check);
  return unitOf(check.largest);
}

async function refuseBadValue(
  database: Database,
  source: Source,
  chosen: Chosen,
  check: RawCheck,
): Promise<void> {
  const roles = (["user", "item", "time", "rating"] as const).filter((role) => check[role] !== null);
  const role = roles.reduce<(typeof roles)[number] | undefined>(
    (best, each) => (best === undefined || check[each]! < check[best]! ? each : best),
    undefined,
  );
  if (role === undefined) return;
  const record = check[role]!;
  const column = chosen[role]!;
  const place = await placeOf(source, record);
  const numbered = `SELECT CAST(${column.sql} AS VARCHAR) AS value, row_number() OVER () AS number FROM ${relation(source)}`;
  const { value } = await firstRow<{ value: string | null }>(
    database,
    `SELECT value FROM (${numbered}) WHERE number = ${record + 1}`,
  );
  const shown = value === null || value === "" ? "is empty" : `is ${JSON.stringify(value.slice(0, 80))}`;
  const wanted = wantedOf(role, column);
  const what = `${place}: the ${column.name} ${shown}; ${wanted}`;
  throw new DataError(`bad-${role}`, what, { path: source.path, column: column.name, value, record });
}

function wantedOf(role: "user" | "item" | "time" | "rating", column: Column): string {
  if (role === "rating") return "it should be a number";
  if (role !== "time") return "every row needs one";
  if (column.name === "position") return "it should be a number";
  return "it should be unix seconds, unix milliseconds or an ISO 8601 date";
}

/** Numbers up to 10¹¹ are seconds (until the year 5138), and each further unit is a thousand times smaller. */
function unitOf(largest: number | null): TimeRule["unit"] {
  if (largest === null) return "iso-8601";
  if (largest <= 1e11) return "seconds";
  if (largest <= 1e14) return "milliseconds";
  return largest <= 1e17 ? "microseconds" : "nanoseconds";
}
