/** @file DuckDB's errors about a file as one plain sentence with file and line. */

import { DataError, RuntimeFailure } from "../tensor/errors.ts";
import { type InputFile, placeOf, placeOfParserLine } from "./lines.ts";

interface Fault {
  readonly pattern: RegExp;
  readonly code: string;
  /** The sentence after the place, from the pattern's groups. */
  readonly what: (groups: RegExpMatchArray) => string;
  /** The place, from the number in the pattern's first group; the file alone without it. */
  readonly place?: (source: InputFile, line: number) => Promise<string>;
}

const faults: readonly Fault[] = [
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*Expected Number of Columns: (\d+) Found: (\d+)/,
    code: "wrong-field-count",
    place: placeOfParserLine,
    what: ([, , expected, found]) => {
      const few = Number(found) < Number(expected) ? "too few" : "too many";
      const fields = found === "1" ? "1 field" : `${found} fields`;
      return `${few} fields: this row has ${fields}, the header has ${expected}; mend or remove the row`;
    },
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*unterminated quote/,
    code: "bad-quotes",
    place: placeOfParserLine,
    what: () =>
      "a field starts with a quote that is not closed at the field's end; double the quotes inside it",
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*not utf-8/i,
    code: "not-utf8",
    place: placeOfParserLine,
    what: () => "this row is not UTF-8 text; convert the file to UTF-8",
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*Maximum line size/i,
    code: "line-too-long",
    place: placeOfParserLine,
    what: () => "this row is longer than 2 MB; a quote may not be closed",
  },
  {
    pattern: /CSV Parser state machine reached an invalid state/,
    code: "not-csv",
    what: () => "the file mixes kinds of line ends (\\n and \\r\\n); save it with one kind",
  },
  {
    pattern: /Malformed JSON in file [\s\S]*at byte \d+ in line (\d+): ([^.\n]*)/,
    code: "not-json",
    place: (source, line) => placeOf(source, line - 2), // DuckDB counts from 2, without empty lines (asserted by a test)
    what: ([, , reason]) => `this line is not JSON (${reason})`,
  },
  {
    pattern: /Parquet (?:file|magic)|magic bytes|not a parquet/i,
    code: "not-parquet",
    what: () => "this is not a whole Parquet file; write it again",
  },
];

/** Runs a query on a file and turns DuckDB's error into a DataError about that file. */
export async function reading<T>(source: InputFile, query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw await faultOf(source, error instanceof Error ? error.message : String(error));
  }
}

async function faultOf(source: InputFile, text: string): Promise<Error> {
  const { path } = source;
  if (/^Out of Memory/i.test(text)) {
    const what = `${path}: the import does not fit in its memory limit; raise the limit (memoryLimit)`;
    return new RuntimeFailure("out-of-memory", what, { path, cause: text });
  }
  for (const { pattern, code, place, what } of faults) {
    const groups = text.match(pattern);
    if (groups === null) continue;
    const where = place === undefined ? path : await place(source, Number(groups[1]));
    return new DataError(code, `${where}: ${what(groups)}`, { path });
  }
  const reason = text.split("\n", 1)[0]!;
  return new DataError("unreadable-file", `${path}: the file could not be read (${reason})`, { path });
}
