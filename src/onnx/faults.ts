/** @file How files that cannot be read are spoken of. */
import { DataError, type ErrorFields } from "../tensor/errors.ts";

/** Text that may hold parts of a file, on one line and not endless. */
export function plain(text: string, most = 80): string {
  const line = text.replace(/\p{Cc}+/gu, " ");
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

export const quoted = (name: string): string => `"${plain(name)}"`;

/** Three names at most, then the sign that there are more. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quoted).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
}

/** Refuses a malformed file. @throws DataError */
export function malformed(what: string, fields: ErrorFields = {}): never {
  throw new DataError("onnx-file", `readOnnx: ${what}`, fields);
}
