/** @file The part of an import that brings ready features into the dataset folder. */

import { cp } from "node:fs/promises";
import { basename } from "node:path";
import { allRows, type Database } from "./database.ts";
import { alignFeatures, readFeatureFile } from "./feature-files.ts";
import type { FeatureInput } from "./feature-input.ts";
import { featureFolder, listFeatures, writeFeatures } from "./features.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** Where features go, and what of the import they need. */
export interface FeatureWork {
  readonly database: Database;
  /** The new dataset folder, not yet in its place. */
  readonly folder: string;
  readonly temporary: string;
  /** The place of the dataset folder, where one may be that is replaced. */
  readonly out: string;
  readonly manifest: Manifest;
  readonly items: readonly string[];
  readonly itemColumn: string;
  readonly features: readonly FeatureInput[];
}

/** Writes the tables of ready features, keeps those of the dataset that is replaced, and says what became of them. */
export async function importFeatures(work: FeatureWork): Promise<string[]> {
  const notes = await keepFeatures(work);
  if (work.features.length === 0) return notes;
  const { database, folder, temporary, manifest, items, itemColumn } = work;
  const ofItems = manifest.sources.items === undefined ? undefined : await idsOfItems(database);
  for (const input of work.features) {
    const rows = await readFeatureFile(database, input, { column: itemColumn, ofItems }, temporary);
    const { table, items: known, unused } = alignFeatures(items, input, rows);
    await writeFeatures({ directory: folder, manifest }, input.name, table);
    const left = unused === 0 ? "" : `; rows of items that are not in the catalogue, left out: ${unused}`;
    notes.push(
      `features "${input.name}" from ${basename(input.file)}: ${known} of ${items.length} items have ${table.dim} values${left}`,
    );
  }
  return notes;
}

async function idsOfItems(database: Database): Promise<string[]> {
  const rows = await allRows<{ id: string }>(database, "SELECT id FROM metadata ORDER BY rowid");
  return rows.map(({ id }) => id);
}

/** Tables that were encoded for the dataset that is replaced: rows of items that are still there need no encoding. */
async function keepFeatures({ out, folder, manifest, features }: FeatureWork): Promise<string[]> {
  const before = await listFeatures({ directory: out });
  if (before.length === 0) return [];
  await cp(featureFolder(out), featureFolder(folder), { recursive: true });
  const old = await readManifest(out).catch(() => undefined);
  const kept = before.filter((name) => features.every((input) => input.name !== name));
  if (old?.fingerprint === manifest.fingerprint || kept.length === 0) return [];
  return [`features made for the data that was here before need to be made again: ${kept.join(", ")}`];
}
