/** @file A folder of small files for a test, removed at its end. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { literal, withDatabase } from "../database.ts";
import { type Dataset, openDataset } from "../dataset.ts";
import { type ImportOptions, type ImportReport, importInteractions } from "../import.ts";

/** A temporary folder and what tests do in it. */
export interface Scratch {
  readonly folder: string;
  /** Writes a file and returns its path. */
  readonly file: (name: string, bytes: string | Uint8Array) => Promise<string>;
  /** Writes the rows of a query as a Parquet file and returns its path. */
  readonly parquet: (name: string, select: string) => Promise<string>;
  /** Imports a file into the folder "out" (unless told otherwise) and opens what "out" then holds. */
  readonly imported: (interactions: string, options?: Partial<ImportOptions>) => Promise<Imported>;
  readonly remove: () => Promise<void>;
}

/** An import's report and the dataset it made. */
export interface Imported {
  readonly report: ImportReport;
  readonly dataset: Dataset;
}

/** Makes a temporary folder; the caller removes it. */
export async function scratch(): Promise<Scratch> {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-data-"));
  const write = async (name: string, bytes: string | Uint8Array) => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const parquet = async (name: string, select: string) => {
    const path = join(folder, name);
    await withDatabase({}, (database) =>
      database.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`),
    );
    return path;
  };
  const imported = async (interactions: string, options: Partial<ImportOptions> = {}) => {
    const out = join(folder, "out");
    const report = await importInteractions({ interactions, out, threads: 2, ...options });
    return { report, dataset: await openDataset(options.out ?? out) };
  };
  return {
    folder,
    file: write,
    parquet,
    imported,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** What users did, in ids: "user: item item …". */
export function told({ users, items, offsets, sequence }: Dataset): string[] {
  return users.map((user, index) => {
    const own = sequence.slice(offsets[index], offsets[index + 1]);
    return `${user}: ${[...own].map((item) => items[item]).join(" ")}`;
  });
}
