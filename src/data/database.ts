/** @file A short-lived DuckDB database in memory: the one place that knows how to talk to it. */

import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** How much of the machine a database may use; what does not fit in memory is spilled to the temporary folder. */
export interface DatabaseOptions {
  readonly threads?: number | undefined;
  /** Such as "3GB". */
  readonly memoryLimit?: string | undefined;
  readonly temporary?: string | undefined;
}

/** Typed arrays that a query's columns are streamed into. */
export type ColumnTarget = Int32Array | Float64Array;

/** A connection to a database of its own. */
export type Database = DuckDBConnection;

/** Runs `work` on a fresh database, which is closed afterwards in any case. */
export async function withDatabase<T>(
  options: DatabaseOptions,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    ...(options.temporary === undefined ? {} : { temp_directory: options.temporary }),
  });
  const database = await instance.connect();
  try {
    await database.run("SET TimeZone = 'UTC'");
    return await work(database);
  } finally {
    database.closeSync();
    instance.closeSync();
  }
}

/** A text as an SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The path of a file to read as an SQL literal; DuckDB would take *, ? and [ for wildcards. */
export function pathLiteral(path: string): string {
  return literal(path.replaceAll(/[*?[]/g, "[$&]"));
}

/** A column name as an SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The first row of a query; counts should be cast to DOUBLE, so that they are numbers. */
export async function firstRow<T>(database: Database, sql: string): Promise<T> {
  const rows = await allRows<T>(database, sql);
  return rows[0]!;
}

/** All rows of a query with a small result. */
export async function allRows<T>(database: Database, sql: string): Promise<T[]> {
  const reader = await database.runAndReadAll(sql);
  return reader.getRowObjectsJS() as T[];
}

/** Streams the columns of a query (INTEGER into Int32Array, DOUBLE into Float64Array) and returns the number of rows. */
export async function streamColumns(
  database: Database,
  sql: string,
  targets: readonly ColumnTarget[],
): Promise<number> {
  const result = await database.stream(sql);
  let rows = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return rows;
    for (const [column, target] of targets.entries()) {
      const { items } = chunk.getColumnVector(column) as unknown as { items: ColumnTarget };
      target.set(items.length === chunk.rowCount ? items : items.subarray(0, chunk.rowCount), rows);
    }
    rows += chunk.rowCount;
  }
}

/** Streams rows with a small number of columns as plain values, chunk by chunk. */
export async function streamRows(
  database: Database,
  sql: string,
  each: (values: readonly unknown[]) => void,
): Promise<void> {
  const result = await database.stream(sql);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    const columns = Array.from({ length: chunk.columnCount }, (_, column) => chunk.getColumnValues(column));
    for (let row = 0; row < chunk.rowCount; row++) each(columns.map((values) => values[row]));
  }
}

/** Makes a table of one INTEGER column `code` that holds the positions of the array's ones. */
export async function tableOfOnes(database: Database, table: string, flags: Uint8Array): Promise<void> {
  await database.run(`CREATE TABLE ${table} (code INTEGER)`);
  const appender = await database.createAppender(table);
  for (let code = 0; code < flags.length; code++) {
    if (flags[code] === 0) continue;
    appender.appendInteger(code);
    appender.endRow();
  }
  appender.closeSync();
}
