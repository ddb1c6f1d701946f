/** @file Small file operations that never leave anything half-written. */

import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DataError } from "../tensor/errors.ts";

/** The system's code of a failed file operation, such as "ENOENT". */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** The DataError that says in one sentence why `path` could not be read. */
export function unreadable(path: string, error: unknown): DataError {
  const code = systemCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new DataError("missing-file", `${path}: there is no such file; check the path`, { path });
  }
  if (code === "EISDIR") {
    return new DataError("not-a-file", `${path}: this is a folder, not a file; name a file in it`, { path });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new DataError("no-permission", `${path}: no permission to read this file`, { path });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DataError("unreadable-file", `${path}: the file could not be read (${reason})`, { path });
}

/** The DataError that says in one sentence why the folder `path` could not be made; other errors stay as they are. */
export function unmakeable(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === "EEXIST" || code === "ENOTDIR") {
    return new DataError("not-a-folder", `${path}: a part of this path is a file; choose another folder`, {
      path,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new DataError("no-permission", `${path}: no permission to write here; choose another folder`, {
      path,
    });
  }
  return error;
}

/** Makes the entries of a folder durable, where the system allows folders to be synchronised. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, "r");
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Some systems cannot open or synchronise folders; the rename is atomic there all the same.
  }
}

/**
 * Writes a whole file or nothing, from bytes that may come in parts: a temporary file in the same folder is written,
 * synchronised and renamed, so that after a crash at any moment `path` holds either its old bytes or the new ones.
 */
export async function writeAtomic(
  path: string,
  bytes: Uint8Array | string | readonly Uint8Array[],
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, "wx");
    try {
      for (const part of typeof bytes === "string" || bytes instanceof Uint8Array ? [bytes] : bytes)
        await file.writeFile(part); // goes on where the part before ended
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** The SHA-256 of a file's bytes as 64 hexadecimal digits; DataError where the file cannot be read. */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    throw unreadable(path, error);
  }
  return hash.digest("hex");
}

/** The value in a JSON file, not yet validated; DataError where the file is missing, empty or not JSON. */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw unreadable(path, error);
  }
  if (text.trim() === "") throw new DataError("empty-file", `${path}: the file is empty`, { path });
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError("not-json", `${path}: this is not JSON (${reason})`, { path });
  }
}
