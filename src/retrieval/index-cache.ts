/** @file Indexes that take long to build, kept in files for the next time. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson, sha256File, writeAtomic } from "../data/files.ts";
import type { VectorTable } from "./vector-table.ts";

/** What is known of a kept index, beside its bytes. */
const Kept = z.strictObject({
  kind: z.literal("sequitur-index"),
  /** Of the bytes; a file that is another one is never opened. */
  sha256: z.string(),
  /** How long it took to build. */
  seconds: z.number().nonnegative(),
});

export interface KeptIndex {
  readonly path: string;
  readonly seconds: number;
}

/** Indexes of one run in a folder; an index is found by all that it is made of. */
export interface IndexCache {
  /** A whole and unaltered file, or null. */
  find(key: string): Promise<KeptIndex | null>;
  /** Has a file written, which stands there whole or not at all; all but the newest others go. */
  keep(key: string, seconds: number, write: (path: string) => void): Promise<void>;
}

/** Kept files: the index in use and the one of before, to which one may go back. */
const mostKept = 2;

export function indexCache(folder: string): IndexCache {
  const pathOf = (key: string): string => join(folder, `${key}.index`);
  const noteOf = (key: string): string => join(folder, `${key}.json`);
  return {
    async find(key) {
      const path = pathOf(key);
      try {
        const { sha256, seconds } = Kept.parse(await readJson(noteOf(key)));
        return (await sha256File(path)) === sha256 ? { path, seconds } : null;
      } catch {
        return null; // missing, cut short or of another version: it is built anew
      }
    },
    async keep(key, seconds, write) {
      await mkdir(folder, { recursive: true });
      const temporary = join(folder, `.${key}.${process.pid}.tmp`);
      try {
        write(temporary);
        await synchronise(temporary);
        const sha256 = await sha256File(temporary);
        await rename(temporary, pathOf(key));
        await writeAtomic(noteOf(key), `${JSON.stringify({ kind: "sequitur-index", sha256, seconds })}\n`);
      } finally {
        await rm(temporary, { force: true });
      }
      await removeOld(folder);
    },
  };
}

async function synchronise(path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".index"));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  );
  for (const { name } of aged.sort((a, b) => b.time - a.time).slice(mostKept)) {
    await rm(join(folder, name), { force: true });
    await rm(join(folder, name.replace(/\.index$/, ".json")), { force: true });
  }
}

/** A name for what an index is made of: the settings, and all rows of the table. */
export function indexKey(table: VectorTable, settings: Readonly<Record<string, unknown>>): string {
  const { dim, size, similarity, live, blocks } = table;
  const hash = createHash("sha256").update(JSON.stringify({ ...settings, dim, size, similarity }));
  hash.update(live.subarray(0, Math.ceil(size / 32)));
  for (const { data, rows } of blocks) hash.update(data.subarray(0, rows * dim));
  return hash.digest("hex").slice(0, 32);
}
