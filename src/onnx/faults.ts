/** @file How files that cannot be read are spoken of. */
import { DataError, type ErrorFields } from "../tensor/errors.ts";

/** A name from a file, in quotes, on one line and not longer than a line. */
export function quoted(name: string): string {
  const plain = name.replace(/\p{Cc}+/gu, " ");
  return `"${plain.length > 80 ? `${plain.slice(0, 80)}…` : plain}"`;
}

/** Three names at most, then the sign that there are more. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(quoted).join(", ");
  return names.length > 3 ? `${shown}, …` : shown;
}

/** Refuses a malformed file. @throws DataError */
export function malformed(what: string, fields: ErrorFields = {}): never {
  throw new DataError("onnx-file", `readOnnx: ${what}`, fields);
}
