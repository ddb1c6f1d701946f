/** @file Faults of a storage as one plain sentence. */

import { systemCode } from "../../data/files.ts";
import { DataError, RuntimeFailure } from "../../tensor/errors.ts";

const faults: readonly (readonly [RegExp, string])[] = [
  [/No space left|ENOSPC|EDQUOT|File too large|disk full/i, "the disk is full; free some space"],
  [
    /Permission denied|EACCES|EPERM|Read-only file system|EROFS/i,
    "no permission to write there; change the permission or name another place",
  ],
  [
    /Conflicting lock|Could not set lock/i,
    "another process uses it; stop that one, or let several share a PostgreSQL database",
  ],
  [/Not a directory|ENOTDIR|EEXIST/i, "a part of the path is a file, not a folder; name another place"],
  [/invalidated because of a previous fatal error/i, "an earlier write failed; free some space and restart"],
  [/not a valid DuckDB database|Serialization Error|Corrupt/i, "the file is damaged or of another version"],
  [
    /ECONNREFUSED|ENOENT|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|timeout/i,
    "it cannot be reached; start it or mend the address",
  ],
  [/password authentication|no password|role ".*" does not exist/i, "it refuses this user or password"],
  [/database ".*" does not exist/i, "there is no such database; create it first"],
  [
    /relation "sequitur_\w+" does not exist/i,
    "it holds no tables of a service; start the service on it first",
  ],
  [/permission denied for/i, "this user may not create or change tables there"],
];

const textOf = (error: unknown): string => {
  const code = systemCode(error) ?? "";
  return `${code} ${error instanceof Error ? error.message : String(error)}`;
};

const reasonOf = (error: unknown): string => {
  const text = textOf(error);
  const known = faults.find(([pattern]) => pattern.test(text));
  return known ? known[1] : `it failed: ${text.trim().split("\n", 1)[0]}`;
};

/** What went wrong with a storage that was opened; `place` never holds a password. */
export function storeFailure(place: string, error: unknown): RuntimeFailure {
  if (error instanceof RuntimeFailure) return error;
  return new RuntimeFailure("store", `${place}: ${reasonOf(error)}`, { place });
}

/** Why a storage cannot be opened: the operator named it, so the operator can mend it. */
export function cannotOpen(place: string, error: unknown): Error {
  if (error instanceof DataError) return error;
  return new DataError("store", `${place}: ${reasonOf(error)}`, { place });
}
