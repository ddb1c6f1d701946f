/** @file Input files: their kind, their columns, and how DuckDB reads them with every value as text. */

import { createReadStream, createWriteStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { DataError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { allRows, type Database, identifier, literal, pathLiteral } from "./database.ts";
import { reading } from "./faults.ts";
import { unreadable } from "./files.ts";
import type { FileKind, InputFile } from "./lines.ts";

/** A column by its name in the file and by the SQL that reads it from `relation(source)`. */
export interface Column {
  readonly name: string;
  readonly sql: string;
  /** The type in a RecBole header ("token", "float", "token_seq", "float_seq") or in a Parquet file. */
  readonly type?: string;
}

/** An input file that has been looked at: it exists, is not empty, is unpacked, and its columns are known. */
export interface Source extends InputFile {
  readonly columns: readonly Column[];
}

const kinds: Readonly<Record<string, FileKind>> = {
  ".csv": "csv",
  ".tsv": "tsv",
  ".inter": "recbole",
  ".item": "recbole",
  ".jsonl": "jsonl",
  ".ndjson": "jsonl",
  ".parquet": "parquet",
};
const HEADER_BYTES = 1 << 20;
const SAMPLED_OBJECTS = 1000;

/**
 * Opens an input file; a .gz file is unpacked into the given folder, which also checks that it is whole.
 *
 * DataError where the file is missing, empty, of no known type, damaged, or without a header.
 */
export async function openSource(database: Database, path: string, folder: string): Promise<Source> {
  const packed = path.toLowerCase().endsWith(".gz");
  const kind = kinds[extname(packed ? path.slice(0, -3) : path).toLowerCase()];
  if (kind === undefined) {
    const what = `${path}: not a known file type; known are ${Object.keys(kinds).join(" ")}, each also with .gz`;
    throw new DataError("unknown-file-type", what, { path });
  }
  await refuseEmpty(path, path);
  const plain = packed ? await unpack(path, folder) : resolve(path);
  await refuseEmpty(path, plain);
  const source = { path, kind, plain, columns: [] };
  if (kind === "jsonl") return { ...source, columns: await objectColumns(database, source) };
  if (kind === "parquet") return { ...source, columns: await parquetColumns(database, source) };
  return { ...source, columns: await headerColumns(source) };
}

/** The SQL relation of a file's rows, in the file's order when inserted into a table. */
export function relation({ kind, plain, columns, headless, rows }: Source): string {
  if (rows !== undefined) return rows;
  const file = pathLiteral(plain);
  if (kind === "parquet") return `read_parquet(${file}, binary_as_string = true)`;
  if (kind === "jsonl")
    return `read_json_objects(${file}, format = 'newline_delimited', compression = 'uncompressed')`;
  const quote = kind === "csv" ? '"' : "";
  const types = columns.map((column) => `${literal(column.sql)}: 'VARCHAR'`).join(", ");
  return (
    `read_csv(${file}, auto_detect = false, header = ${!headless}, delim = ${literal(kind === "csv" ? "," : "\t")}, ` +
    `quote = ${literal(quote)}, escape = ${literal(quote)}, compression = 'none', columns = {${types}})`
  );
}

/** The file's column of that name, or undefined. */
export function findColumn(source: Source, name: string): Column | undefined {
  return source.columns.find((column) => column.name === name);
}

/** The file's column of that name; DataError that names the columns there are, and the flag that names another. */
export function needColumn(source: Source, name: string, flag: string): Column {
  const column = findColumn(source, name);
  if (column !== undefined) return column;
  const known = source.columns.map((each) => each.name);
  const what = `${source.path}: there is no column "${name}"${suggest(name, known)}; choose one with ${flag}`;
  throw new DataError("missing-column", what, { path: source.path, column: name, known });
}

/** A delimited file whose columns are known by their places. */
export interface PlainFile extends InputFile {
  /** The fields of the first record. */
  readonly first: readonly string[];
  readonly width: number;
}

/** Looks at the first record of a delimited file. @throws DataError where it has fewer than `least` fields */
export async function openPlain(
  path: string,
  { kind, least }: { readonly kind: "csv" | "tsv"; readonly least: number },
): Promise<PlainFile> {
  await refuseEmpty(path, path);
  const file = { path, kind, plain: resolve(path) };
  const first = headerFields(await firstBytes(file), kind) ?? [];
  if (first.length >= least) return { ...file, first, width: first.length };
  const what = `${path}:1: the line has ${first.length} fields where at least ${least} are wanted, with a ${kind === "csv" ? "comma" : "tab"} between`;
  throw new DataError("too-few-fields", what, { path });
}

async function refuseEmpty(path: string, file: string): Promise<void> {
  const status = await stat(file).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (status.isDirectory()) throw unreadable(path, Object.assign(new Error(), { code: "EISDIR" }));
  if (status.size === 0) throw new DataError("empty-file", `${path}: the file is empty`, { path });
}

async function unpack(path: string, folder: string): Promise<string> {
  const plain = join(folder, basename(path).slice(0, -3));
  try {
    await pipeline(createReadStream(path), createGunzip({ chunkSize: 1 << 20 }), createWriteStream(plain));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!code.startsWith("Z_")) throw unreadable(path, error);
    const cut = code === "Z_BUF_ERROR";
    const why = cut
      ? "the gzip file is cut short; copy it again"
      : `this is not a whole gzip file (${(error as Error).message}); unpack it or make it again`;
    throw new DataError("bad-gzip", `${path}: ${why}`, { path });
  }
  return plain;
}

async function objectColumns(database: Database, source: Source): Promise<Column[]> {
  const sample = `SELECT json FROM ${relation(source)} LIMIT ${SAMPLED_OBJECTS}`;
  const sql = `SELECT DISTINCT unnest(json_keys(json)) AS name FROM (${sample}) ORDER BY name`;
  const rows = await reading(source, () => allRows<{ name: string }>(database, sql));
  if (rows.length === 0) {
    const what = `${source.path}: none of the first ${SAMPLED_OBJECTS} lines is a JSON object with fields`;
    throw new DataError("no-objects", what, { path: source.path });
  }
  return rows.map(({ name }) => ({ name, sql: `json->>${literal(`$.${JSON.stringify(name)}`)}` }));
}

async function parquetColumns(database: Database, source: Source): Promise<Column[]> {
  const sql = `DESCRIBE SELECT * FROM ${relation(source)}`;
  const rows = await reading(source, () =>
    allRows<{ column_name: string; column_type: string }>(database, sql),
  );
  return rows.map((row) => ({
    name: row.column_name,
    sql: identifier(row.column_name),
    type: row.column_type,
  }));
}

/** The columns of a delimited file: they are given neutral SQL names, so that any header works. */
async function headerColumns(source: Source): Promise<Column[]> {
  const text = await firstBytes(source);
  if (text.includes("\0")) {
    const what = `${source.path}: this is not UTF-8 text (perhaps UTF-16); convert the file to UTF-8`;
    throw new DataError("not-utf8", what, { path: source.path });
  }
  const fields = headerFields(text, source.kind);
  if (fields === undefined || fields.every((field) => field.trim() === "")) {
    const what = `${source.path}:1: the first line should hold the names of the columns, but it is empty or has no end`;
    throw new DataError("no-header", what, { path: source.path });
  }
  const columns = fields.map((field, index) => {
    const colon = source.kind === "recbole" ? field.lastIndexOf(":") : -1;
    const sql = `c${index}`;
    return colon < 0
      ? { name: field, sql }
      : { name: field.slice(0, colon), type: field.slice(colon + 1), sql };
  });
  const twice = columns.find(
    (column, index) => columns.findIndex((each) => each.name === column.name) !== index,
  );
  if (twice === undefined) return columns;
  const what = `${source.path}:1: two columns are called "${twice.name}"; rename one`;
  throw new DataError("duplicate-column", what, { path: source.path, column: twice.name });
}

async function firstBytes({ plain }: InputFile): Promise<string> {
  const file = await open(plain, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead).replace(/^\uFEFF/, "");
  } finally {
    await file.close();
  }
}

/** The fields of the first record (RFC 4180 quotes in a .csv), or undefined where it does not end. */
function headerFields(text: string, kind: FileKind): string[] | undefined {
  if (kind !== "csv") return text.split(/\r\n|\n|\r/, 1)[0]!.split("\t");
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r\n|\n|\r|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] !== ",") return fields;
  }
}
