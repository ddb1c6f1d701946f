/** @file Where in a file a record stands, for errors: found by reading the file again, since errors are rare. */

import { createReadStream } from "node:fs";
import type { Source } from "./source.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const QUOTE = 34;

/**
 * "FILE:LINE" of a record counted from 0 without the header, or "FILE: row N" in a Parquet file.
 *
 * Empty lines are no records; in a .csv, line ends inside quotes belong to the record.
 */
export async function placeOf(source: Source, record: number): Promise<string> {
  if (source.kind === "parquet") return `${source.path}: row ${record + 1}`;
  const header = source.kind === "jsonl" ? 0 : 1;
  const line = await lineOfRecord(source.plain, record + header, source.kind === "csv");
  return `${source.path}:${line}`;
}

async function lineOfRecord(path: string, wanted: number, quotes: boolean): Promise<number> {
  let line = 1;
  let started = 0; // the line on which the current record starts, 0 before its first character
  let seen = 0;
  let quoted = false;
  let previous = 0;
  for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Uint8Array>) {
    for (const byte of bytes) {
      const ends = byte === CARRIAGE_RETURN || (byte === LINE_FEED && previous !== CARRIAGE_RETURN);
      const filler = byte === CARRIAGE_RETURN || byte === LINE_FEED;
      previous = byte;
      if (quotes && byte === QUOTE) quoted = !quoted;
      if (!filler && started === 0) {
        started = line;
        if (seen === wanted) return line;
      }
      if (!ends) continue;
      line++;
      if (quoted || started === 0) continue;
      seen++;
      started = 0;
    }
  }
  return line;
}
