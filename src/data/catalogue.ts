/** @file The items file of an import: titles and fields of the items that have interactions. */

import { DataError } from "../tensor/errors.ts";
import { allRows, type Database, firstRow, literal } from "./database.ts";
import { reading } from "./faults.ts";
import { copyTo } from "./interactions.ts";
import { placeOf } from "./lines.ts";
import type { Manifest } from "./manifest.ts";
import { type Column, findColumn, needColumn, relation, type Source } from "./source.ts";

/** Reads an items file into table `metadata` (id, title, fields as JSON); DataError where an id is empty or twice there. */
export async function readMetadata(
  database: Database,
  source: Source,
  itemColumn: string | undefined,
): Promise<string[]> {
  const own = itemColumn === undefined ? undefined : findColumn(source, itemColumn);
  const id = own ?? needColumn(source, "item_id", "--item-column");
  const title = findColumn(source, "title");
  const others = source.columns.filter((column) => column !== id && column !== title);
  const sql = `CREATE TABLE metadata AS SELECT CAST(${id.sql} AS VARCHAR) AS id,
    nullif(${title === undefined ? "NULL" : `CAST(${title.sql} AS VARCHAR)`}, '') AS title,
    CAST(${fieldsSql(source, [id, ...(title === undefined ? [] : [title])], others)} AS VARCHAR) AS fields
    FROM ${relation(source)}`;
  await reading(source, () => database.run(sql));
  await refuseEmptyId(database, source, id);
  await refuseTwice(database, source);
  return others.map((column) => column.name);
}

/** All columns but the id and the title as one JSON object. */
function fieldsSql(source: Source, named: readonly Column[], others: readonly Column[]): string {
  if (source.kind === "jsonl") {
    const removed = JSON.stringify(Object.fromEntries(named.map((column) => [column.name, null])));
    return `json_merge_patch(json, ${literal(removed)})`;
  }
  const pairs = others.map((column) => `${literal(column.name)}, ${valueSql(source, column)}`);
  return `json_object(${pairs.join(", ")})`;
}

/** A column's value as what becomes JSON: RecBole's types are followed, other texts stay texts, empty ones are null. */
function valueSql(source: Source, { sql, type }: Column): string {
  if (source.kind === "parquet") return sql;
  const number = (text: string) =>
    `CASE WHEN isfinite(TRY_CAST(${text} AS DOUBLE)) THEN TRY_CAST(${text} AS DOUBLE) END`;
  const parts = `list_filter(string_split(${sql}, ' '), part -> part <> '')`;
  if (type === "float") return number(sql);
  if (type === "token_seq") return parts;
  if (type === "float_seq") return `list_transform(${parts}, part -> ${number("part")})`;
  return sql;
}

async function refuseEmptyId(database: Database, source: Source, id: Column): Promise<void> {
  const { record } = await firstRow<{ record: number | null }>(
    database,
    "SELECT CAST(min(rowid) AS DOUBLE) AS record FROM metadata WHERE id IS NULL OR id = ''",
  );
  if (record === null) return;
  const what = `${await placeOf(source, record)}: the ${id.name} is empty; every item needs one`;
  throw new DataError("bad-item", what, { path: source.path, record });
}

async function refuseTwice(database: Database, source: Source): Promise<void> {
  const twice = await allRows<{ id: string; first: number; second: number }>(
    database,
    `SELECT id, CAST(rows[1] AS DOUBLE) AS first, CAST(rows[2] AS DOUBLE) AS second
     FROM (SELECT id, list(rowid ORDER BY rowid) AS rows FROM metadata GROUP BY id HAVING count(*) > 1)
     ORDER BY second LIMIT 1`,
  );
  for (const { id, first, second } of twice) {
    const places = `${await placeOf(source, second)}: the item "${id}" is here and at ${await placeOf(source, first)}`;
    throw new DataError("duplicate-item", `${places}; keep one of them`, { path: source.path, id });
  }
}

/** Writes items.parquet, one row for each item with interactions, and counts what has and what lacks metadata. */
export async function writeItems(
  database: Database,
  path: string,
  columns: readonly string[] | undefined,
): Promise<Manifest["metadata"]> {
  const from = "item_index JOIN item_ids USING (code)";
  if (columns === undefined) {
    const none = "CAST(NULL AS VARCHAR)";
    await copyTo(
      database,
      `SELECT position AS item, id, ${none} AS title, ${none} AS fields FROM ${from} ORDER BY item`,
      path,
    );
  } else {
    const joined = `${from} LEFT JOIN metadata USING (id)`;
    await copyTo(database, `SELECT position AS item, id, title, fields FROM ${joined} ORDER BY item`, path);
  }
  const all = await firstRow<{ items: number }>(
    database,
    "SELECT CAST(count(*) AS DOUBLE) AS items FROM item_index",
  );
  if (columns === undefined) return { items: 0, itemsWithout: all.items, unused: 0, columns: [] };
  const { known, rows } = await firstRow<{ known: number; rows: number }>(
    database,
    `SELECT (SELECT CAST(count(*) AS DOUBLE) FROM ${from} SEMI JOIN metadata USING (id)) AS known,
      (SELECT CAST(count(*) AS DOUBLE) FROM metadata) AS rows`,
  );
  return { items: known, itemsWithout: all.items - known, unused: rows - known, columns: [...columns] };
}
