/** @file Ready features in files: .npy, safetensors, Parquet and the other tables, aligned with a catalogue by ids. */

import { mkdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { DataError } from "../tensor/errors.ts";
import { type Database, streamRows } from "./database.ts";
import { reading } from "./faults.ts";
import type { FeatureInput } from "./feature-input.ts";
import type { NewFeatures } from "./features.ts";
import { unreadable } from "./files.ts";
import { type Matrix, readNpy } from "./npy.ts";
import { type Column, findColumn, openSource, relation, type Source } from "./source.ts";
import { readTensors } from "./tensors.ts";

/** Where ids come from that no file names. */
export interface RowIds {
  /** The name of the id column in a table. */
  readonly column: string;
  /** The ids in the order of the items file, where there is one. */
  readonly ofItems: readonly string[] | undefined;
}

/** A matrix and the item of each of its rows. */
interface Rows extends Matrix {
  readonly ids: readonly string[];
}

/** Reads a file of features. @throws DataError where it is broken, or has no id or more than one for a row */
export async function readFeatureFile(
  database: Database,
  input: FeatureInput,
  rowIds: RowIds,
  temporary: string,
): Promise<Rows> {
  const { file } = input;
  const kind = extname(file).toLowerCase();
  const binary = kind === ".npy" || kind === ".safetensors";
  const read = binary
    ? { matrix: await matrixOf(file, kind) }
    : await tableOf(database, input, rowIds, temporary);
  const { matrix } = read;
  const ids = input.ids === undefined ? undefined : await idLines(input.ids);
  const own = "ids" in read ? read.ids : undefined;
  const found = ids ?? own ?? rowIds.ofItems;
  const from = input.ids ?? (own ? file : "the items file");
  if (found === undefined) {
    const what = `${file}: which row belongs to which item? Name a file with one id a line: ${input.name}=${file}:IDS.txt`;
    throw new DataError("no-ids", what, { file });
  }
  if (found.length === matrix.rows) return { ...matrix, ids: found };
  const next =
    found.length > matrix.rows
      ? `; the first id without a row is "${found[matrix.rows]}"`
      : `; the first row without an id is row ${found.length + 1}`;
  const what = `${file}: ${matrix.rows} rows for the ${found.length} ids of ${from}${next}; every row needs one id`;
  throw new DataError("wrong-rows", what, { file, rows: matrix.rows, ids: found.length });
}

async function matrixOf(file: string, kind: string): Promise<Matrix> {
  if (kind === ".npy") {
    const bytes = await readFile(file).catch((error: unknown) => {
      throw unreadable(file, error);
    });
    return readNpy(bytes, file);
  }
  const { tensors } = await readTensors(file);
  const found = Object.entries(tensors).filter(([, { shape, data }]) => shape.length === 2 && isFloats(data));
  const [tensor] = found.filter(([name]) => found.length === 1 || name === "values");
  if (tensor === undefined) {
    const what = `${file}: of its tensors (${Object.keys(tensors).join(", ")}) one must be the matrix of features, called "values" where there are more`;
    throw new DataError("no-matrix", what, { file });
  }
  const { data, shape } = tensor[1];
  return { rows: shape[0]!, dim: shape[1]!, values: Float32Array.from(data as Float32Array) };
}

const isFloats = (data: unknown): boolean => data instanceof Float32Array || data instanceof Float64Array;

/** Ids, one a line; an empty line at the end is none. */
async function idLines(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** A table: one column of lists, or a column for each dimension; beside them the id, where there is one. */
async function tableOf(
  database: Database,
  { name, file }: FeatureInput,
  { column }: RowIds,
  temporary: string,
): Promise<{ readonly matrix: Matrix; readonly ids?: string[] }> {
  const folder = join(temporary, `features-${name}`);
  await mkdir(folder);
  const source = await openSource(database, file, folder);
  const id = findColumn(source, column);
  const rows = await reading(source, () => vectorsOf(database, source, id?.sql));
  const dim = rows[0]?.vector.length ?? 0;
  const values = new Float32Array(rows.length * dim);
  for (const [at, { id: own, vector }] of rows.entries()) {
    if (vector.length !== dim) {
      const what = `${file}: row ${at + 1}${own === null ? "" : ` (item "${own}")`} has ${vector.length} values, the first one has ${dim}`;
      throw new DataError("wrong-width", what, { file, row: at });
    }
    values.set(vector, at * dim);
  }
  const matrix = { rows: rows.length, dim, values };
  return id === undefined ? { matrix } : { matrix, ids: rows.map((row) => row.id ?? "") };
}

async function vectorsOf(database: Database, source: Source, id: string | undefined) {
  const others = source.columns.filter((column) => column.sql !== id);
  const vector = others.length === 1 ? listSql(others[0]!) : `[${others.map(numberSql).join(", ")}]`;
  const rows: { readonly id: string | null; readonly vector: readonly number[] }[] = [];
  const own = id === undefined ? "NULL" : `CAST(${id} AS VARCHAR)`;
  await streamRows(database, `SELECT ${own}, ${vector} FROM ${relation(source)}`, ([item, list]) => {
    const { items = [] } = (list ?? {}) as { items?: readonly (number | null)[] };
    rows.push({ id: item as string | null, vector: items.map((value) => value ?? Number.NaN) });
  });
  return rows;
}

const numberSql = ({ sql }: Column): string => `CAST(${sql} AS DOUBLE)`;

/** A single column's value as a list: a list, the text of one such as [1, 2], or one number. */
function listSql(column: Column): string {
  const list = `CAST(${column.sql} AS DOUBLE[])`;
  if (column.type !== undefined) return column.type.endsWith("]") ? list : `[${numberSql(column)}]`;
  return `CASE WHEN ${column.sql} LIKE '[%' THEN ${list} ELSE [${numberSql(column)}] END`;
}

/** What became of a file's rows. */
export interface Aligned {
  readonly table: NewFeatures;
  /** Items with features, and rows whose item is not in the catalogue. */
  readonly items: number;
  readonly unused: number;
}

/**
 * The rows in the catalogue's order; an item without a row, or with zeros alone, is marked as without.
 *
 * @throws DataError that names the item whose row has a value that is no number, or which has two rows
 */
export function alignFeatures(items: readonly string[], { file }: FeatureInput, rows: Rows): Aligned {
  const { dim, ids, values: given } = rows;
  const index = new Map(items.map((id, at) => [id, at]));
  const values = new Float32Array(items.length * dim);
  const present = new Uint8Array(items.length);
  const seen = new Map<string, number>();
  let unused = 0;
  for (const [row, id] of ids.entries()) {
    const before = seen.get(id);
    if (before !== undefined) {
      const what = `${file}: rows ${before + 1} and ${row + 1} are both of item "${id}"; keep one of them`;
      throw new DataError("duplicate-item", what, { file, id });
    }
    seen.set(id, row);
    const vector = given.subarray(row * dim, (row + 1) * dim);
    const at = vector.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) {
      const what = `${file}: row ${row + 1} (item "${id}"): value ${at + 1} is ${vector[at]}, which is no number; mend the row or leave it out`;
      throw new DataError("not-a-number", what, { file, id, row });
    }
    const item = index.get(id);
    if (item === undefined) {
      unused++;
      continue;
    }
    values.set(vector, item * dim);
    present[item] = vector.some((value) => value !== 0) ? 1 : 0;
  }
  const table = { dim, values, present, source: { encoder: "file", file: basename(file) } };
  return { table, items: present.reduce((sum, mark) => sum + mark, 0), unused };
}
