/** @file Where in a file a record stands, for errors: found by reading the file again, since errors are rare. */

import { createReadStream } from "node:fs";

/** How a file is laid out; "recbole" is a tab-separated atomic file whose header names types. */
export type FileKind = "csv" | "tsv" | "recbole" | "jsonl" | "parquet";

/** A file as the caller named it (errors use that), its layout, and the unpacked file that is read. */
export interface InputFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly plain: string;
  /** Whether the first line is a record and names no columns. */
  readonly headless?: boolean;
  /** The SQL relation of the records, where they are not the lines of the file. */
  readonly rows?: string;
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;

/**
 * "FILE:LINE" of a record counted from 0 without the header, or "FILE: row N" in a Parquet file.
 *
 * Empty lines are no records; in a .csv, line ends inside quotes belong to the record.
 */
export async function placeOf(source: InputFile, record: number): Promise<string> {
  if (source.kind === "parquet") return `${source.path}: row ${record + 1}`;
  if (source.rows !== undefined) return `${source.path}: record ${record + 1}`;
  const header = source.kind === "jsonl" || source.headless ? 0 : 1;
  return `${source.path}:${await lineOf(source, record + header, "skip")}`;
}

/** "FILE:LINE" of what DuckDB's CSV reader calls line N: records and empty lines, from 1, are one line each. */
export async function placeOfParserLine(source: InputFile, line: number): Promise<string> {
  return `${source.path}:${await lineOf(source, line - 1, "count")}`;
}

/** The line, from 1, on which the wanted record starts; empty lines are skipped or counted as records. */
async function lineOf({ plain, kind }: InputFile, wanted: number, empty: "skip" | "count"): Promise<number> {
  let line = 1;
  let begins = 1; // the line on which the current record begins
  let filled = false; // whether the current record has a character
  let quoted = false;
  let records = 0;
  let previous = 0;
  for await (const bytes of createReadStream(plain, {
    highWaterMark: 1 << 20,
  }) as AsyncIterable<Uint8Array>) {
    for (const byte of bytes) {
      const second = byte === LINE_FEED && previous === CARRIAGE_RETURN;
      previous = byte;
      if (second) continue;
      if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) {
        filled = true;
        if (byte === QUOTE && kind === "csv") quoted = !quoted;
        continue;
      }
      line++;
      if (quoted) continue;
      if (filled || empty === "count") {
        if (records === wanted) return begins;
        records++;
      }
      begins = line;
      filled = false;
    }
  }
  return begins;
}
