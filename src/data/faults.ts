/** @file DuckDB's errors about a file as one plain sentence with file and line. */

import { DataError, RuntimeFailure } from "../tensor/errors.ts";

interface Fault {
  readonly pattern: RegExp;
  readonly code: string;
  readonly sentence: (path: string, match: RegExpMatchArray) => string;
}

const faults: readonly Fault[] = [
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*Expected Number of Columns: (\d+) Found: (\d+)/,
    code: "wrong-field-count",
    sentence: (path, [, line, expected, found]) => {
      const few = Number(found) < Number(expected) ? "too few" : "too many";
      const fields = found === "1" ? "1 field" : `${found} fields`;
      return `${path}:${line}: ${few} fields: this row has ${fields}, the header has ${expected}; mend or remove the row`;
    },
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*unterminated quote/,
    code: "bad-quotes",
    sentence: (path, [, line]) =>
      `${path}:${line}: a field starts with a quote that is not closed at the field's end; double the quotes inside it`,
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*not utf-8/i,
    code: "not-utf8",
    sentence: (path, [, line]) => `${path}:${line}: this row is not UTF-8 text; convert the file to UTF-8`,
  },
  {
    pattern: /CSV Error on Line: (\d+)[\s\S]*Maximum line size/i,
    code: "line-too-long",
    sentence: (path, [, line]) => `${path}:${line}: this row is longer than 2 MB; a quote may not be closed`,
  },
  {
    pattern: /CSV Parser state machine reached an invalid state/,
    code: "not-csv",
    sentence: (path) => `${path}: the file mixes kinds of line ends (\\n and \\r\\n); save it with one kind`,
  },
  {
    pattern: /Malformed JSON in file [\s\S]*at byte (\d+) in line (\d+): ([^.\n]*)/,
    code: "not-json",
    sentence: (path, [, byte, line, reason]) =>
      `${path}:${line}: this line is not JSON (${reason} at byte ${byte})`,
  },
  {
    pattern: /JSON transform error in file [\s\S]*in line (\d+): ([^\n]*)/,
    code: "not-an-object",
    sentence: (path, [, line]) => `${path}:${line}: this line is not a JSON object`,
  },
  {
    pattern: /Parquet (?:file|magic)|magic bytes|not a parquet/i,
    code: "not-parquet",
    sentence: (path) => `${path}: this is not a whole Parquet file; write it again`,
  },
];

/** Runs a query on a file and turns DuckDB's error into a DataError about that file. */
export async function reading<T>(source: { readonly path: string }, query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw error instanceof DataError ? error : faultOf(source.path, error);
  }
}

function faultOf(path: string, error: unknown): Error {
  const text = error instanceof Error ? error.message : String(error);
  if (/^Out of Memory/i.test(text)) {
    const what = `${path}: the import does not fit in its memory limit; raise the limit (memoryLimit)`;
    return new RuntimeFailure("out-of-memory", what, { path, cause: text });
  }
  for (const { pattern, code, sentence } of faults) {
    const match = text.match(pattern);
    if (match !== null) return new DataError(code, sentence(path, match), { path, line: Number(match[1]) });
  }
  const reason = text.split("\n", 1)[0]!;
  return new DataError("unreadable-file", `${path}: the file could not be read (${reason})`, { path });
}
