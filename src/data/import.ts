/** @file Import: from an event log in almost any form to a dataset folder that appears whole or not at all. */

import { mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ConfigError } from "../tensor/errors.ts";
import { readMetadata, writeItems } from "./catalogue.ts";
import { type Database, withDatabase } from "./database.ts";
import { contentHashOf, loadInteractions } from "./dataset.ts";
import type { FeatureInput } from "./feature-input.ts";
import { sha256File } from "./files.ts";
import { buildFolder } from "./folder.ts";
import { imagesOf } from "./images.ts";
import { importFeatures } from "./import-features.ts";
import { codeRaw, dropDuplicates, indexCoded, keepCore, writeInteractions } from "./interactions.ts";
import {
  type Counts,
  DATASET_FORMAT,
  datasetFiles,
  type Filters,
  fingerprintOf,
  type Manifest,
  orderRules,
  type TimeRule,
} from "./manifest.ts";
import { openPublished } from "./open-published.ts";
import { type PublishedFiles, type PublishedFormat, publishedFiles } from "./published.ts";
import { type Chosen, type ColumnOptions, checkRaw, chooseColumns, readRaw, timeKind } from "./raw.ts";
import { openSource, type Source } from "./source.ts";

/** What is imported, how it is filtered, and where the dataset folder goes. */
export interface ImportOptions extends ColumnOptions {
  /** A .csv, .tsv, .jsonl, .parquet or .inter file, or one of them with .gz; or the folder of a published data set. */
  readonly interactions: string;
  /** How the interactions and what belongs to them were published; folders are recognised by the names of their files. */
  readonly format?: PublishedFormat | undefined;
  /** A file of the same kinds (.item for RecBole) with a row for each item. */
  readonly items?: string | undefined;
  /** Ready features of items, each to become a table. */
  readonly features?: readonly FeatureInput[] | undefined;
  /** A folder of pictures, each called by its item's id; it stays where it is. */
  readonly images?: string | undefined;
  /** The dataset folder; it is replaced where it is one already. */
  readonly out: string;
  /** The fewest interactions that a user keeps (k-core); 1 keeps all. */
  readonly minUser?: number | undefined;
  /** The fewest interactions that an item keeps (k-core); 1 keeps all. */
  readonly minItem?: number | undefined;
  /** The lowest rating that counts; the rating column is read only with it. */
  readonly minRating?: number | undefined;
  readonly threads?: number | undefined;
  /** How much memory the database may use before it spills to disk, such as "3GB". */
  readonly memoryLimit?: string | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
}

/** The step that begins now. */
export interface ImportProgress {
  readonly step: "unpack" | "read" | "index" | "duplicates" | "core" | "write" | "hash";
  /** Seconds since the import began. */
  readonly seconds: number;
}

/** What an import did; `notes` are sentences that a person should see. */
export interface ImportReport {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly notes: readonly string[];
  readonly seconds: number;
}

const MEMORY_LIMIT = "3GB";

/**
 * Imports interactions (and items) into a dataset folder: reads, drops exact duplicates, filters, orders and indexes.
 *
 * DataError or ConfigError, each with one plain sentence, for anything wrong with the input; nothing is left behind.
 */
export async function importInteractions(asked: ImportOptions): Promise<ImportReport> {
  const published = await publishedFiles(asked.interactions, asked.format);
  const options = published ? withPublished(asked, published) : asked;
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const filters = checkOptions(options);
  const report = (step: ImportProgress["step"]) => options.onProgress?.({ step, seconds: seconds() });
  const { manifest, notes } = await buildFolder(options.out, async (folder) => {
    const temporary = join(folder, "temporary");
    await mkdir(temporary);
    const limits = { threads: options.threads, memoryLimit: options.memoryLimit ?? MEMORY_LIMIT, temporary };
    const made = await withDatabase(limits, (database) =>
      build({ database, folder, temporary, options, filters, report, published }),
    );
    await rm(temporary, { recursive: true });
    await writeFile(join(folder, "manifest.json"), `${JSON.stringify(made.manifest, null, 2)}\n`);
    return made;
  });
  return {
    directory: resolve(options.out),
    manifest,
    notes: [...notesOf(manifest), ...notes],
    seconds: seconds(),
  };
}

/** The options with the files of a published data set; what is named besides takes the place of its own. */
const withPublished = (asked: ImportOptions, files: PublishedFiles): ImportOptions => ({
  ...asked,
  interactions: files.interactions,
  items: asked.items ?? files.items,
  images: asked.images ?? files.images,
});

function checkOptions({ minUser = 1, minItem = 1, minRating, threads, memoryLimit }: ImportOptions): Filters {
  for (const [name, value] of Object.entries({ minUser, minItem, threads: threads ?? 1 })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new ConfigError("bad-number", `${name}: ${value} is not a whole number of at least 1`, {
      [name]: value,
    });
  }
  if (minRating !== undefined && !Number.isFinite(minRating)) {
    throw new ConfigError("bad-number", `minRating: ${minRating} is not a number`, { minRating });
  }
  if (memoryLimit !== undefined && !/^\d+(\.\d+)? ?[KMGT]i?B$/i.test(memoryLimit)) {
    throw new ConfigError("bad-size", `memoryLimit: "${memoryLimit}" is not a size such as "3GB"`, {
      memoryLimit,
    });
  }
  return { minUser, minItem, minRating: minRating ?? null };
}

interface Work {
  readonly database: Database;
  readonly folder: string;
  readonly temporary: string;
  readonly options: ImportOptions;
  readonly filters: Filters;
  readonly report: (step: ImportProgress["step"]) => void;
  readonly published: PublishedFiles | undefined;
}

interface Built {
  readonly manifest: Manifest;
  readonly notes: readonly string[];
}

async function build(work: Work): Promise<Built> {
  const { database, folder, options, filters, report } = work;
  const { source, items } = await openSources(work);
  const chosen = chooseColumns(source, options, filters.minRating !== null);
  report("read");
  const itemFields =
    items === undefined ? undefined : await readMetadata(database, items, options.itemColumn);
  await readRaw(database, source, chosen);
  const unit = await checkRaw(database, source, chosen);
  const kind = timeKind(chosen);
  const steps = await filterSteps(work, kind === "timestamp" ? unit : undefined, kind);
  report("write");
  await indexCoded(database);
  const span = await writeInteractions(database, (name) => join(folder, name), kind);
  const metadata = await writeItems(database, join(folder, "items.parquet"), itemFields);
  report("hash");
  const time = {
    kind,
    ...(chosen.time === undefined ? {} : { column: chosen.time.name }),
    ...(kind === "timestamp" && unit !== undefined ? { unit } : {}),
    ...span,
  };
  const { manifest, items: ids } = await manifestOf(work, { source, chosen, steps, time, metadata });
  const { temporary, options: all } = work;
  const features = { features: all.features ?? [], itemColumn: all.itemColumn ?? "item_id" };
  const place = { database, folder, temporary, out: resolve(all.out) };
  return { manifest, notes: await importFeatures({ ...place, ...features, manifest, items: ids }) };
}

type Step = Counts & { readonly step: string };

interface Outcome {
  readonly source: Source;
  readonly chosen: Chosen;
  readonly steps: Step[];
  readonly time: TimeRule;
  readonly metadata: Manifest["metadata"];
}

async function manifestOf(work: Work, { source, chosen, steps, time, metadata }: Outcome) {
  const { database, folder, options, filters } = work;
  const { interactions, users, items } = steps.at(-1)!;
  const loaded = await loadInteractions(database, folder, interactions, time.kind === "timestamp");
  const content = contentHashOf(loaded);
  const hashes = datasetFiles.map(async (name) => [name, await sha256File(join(folder, name))] as const);
  const rating = chosen.rating === undefined ? {} : { rating: chosen.rating.name };
  const itemsSource = options.items === undefined ? {} : { items: basename(options.items) };
  const manifest: Manifest = {
    kind: "sequitur-dataset",
    format: DATASET_FORMAT,
    fingerprint: fingerprintOf(content, filters, time.kind),
    contentHash: content,
    counts: { interactions, users, items },
    steps,
    sources: { interactions: basename(source.path), ...itemsSource },
    columns: { user: chosen.user.name, item: chosen.item.name, ...rating },
    time,
    filters,
    order: orderRules,
    split: "leave-one-out",
    metadata,
    ...(options.images === undefined ? {} : { images: await imagesOf(options.images, loaded.items) }),
    schema: schemaOf(time.kind),
    files: Object.fromEntries(await Promise.all(hashes)),
  };
  return { manifest, items: loaded.items };
}

async function openSources({ database, temporary, options, report, published }: Work) {
  report("unpack");
  const open = async (path: string, name: string) => {
    const folder = join(temporary, name);
    await mkdir(folder);
    return openSource(database, path, folder);
  };
  const own = options.items === undefined || options.items === published?.items;
  const items = own ? undefined : await open(options.items!, "items");
  if (published !== undefined) {
    const sources = await openPublished(database, published);
    return { ...sources, items: items ?? sources.items };
  }
  return { source: await open(options.interactions, "interactions"), items };
}

async function filterSteps(work: Work, unit: TimeRule["unit"], kind: TimeRule["kind"]): Promise<Step[]> {
  const { database, filters, report } = work;
  report("index");
  const { read, rated } = await codeRaw(database, unit, filters.minRating);
  const steps: Step[] = [{ step: "read", ...read }];
  if (filters.minRating !== null) steps.push({ step: "rating", ...rated });
  if (kind !== "input-order") {
    report("duplicates");
    steps.push({ step: "duplicates", ...rated, interactions: await dropDuplicates(database) });
  }
  if (filters.minUser > 1 || filters.minItem > 1) {
    report("core");
    steps.push({ step: "core", ...(await keepCore(database, steps.at(-1)!, read, filters)) });
  }
  return steps;
}

function schemaOf(kind: TimeRule["kind"]): Manifest["schema"] {
  const time = kind === "timestamp" ? { time: "DOUBLE" } : {};
  return {
    "interactions.parquet": { user: "INTEGER", item: "INTEGER", ...time },
    "users.parquet": { user: "INTEGER", id: "VARCHAR", interactions: "INTEGER" },
    "items.parquet": { item: "INTEGER", id: "VARCHAR", title: "VARCHAR", fields: "JSON" },
  };
}

function notesOf({ time, steps, metadata, sources, images, counts }: Manifest): string[] {
  const notes: string[] = [];
  if (images !== undefined) notes.push(`items with a picture: ${images.items} of ${counts.items}`);
  if (time.kind === "input-order") notes.push("there is no time column: the order of the rows is the order");
  if (time.kind === "position")
    notes.push(`only an order is known (column "${time.column}"): there are no times`);
  if (time.unit !== undefined && time.unit !== "seconds")
    notes.push(`times in "${time.column}" were read as ${time.unit}`);
  const duplicates = steps.findIndex(({ step }) => step === "duplicates");
  const dropped = duplicates < 0 ? 0 : steps[duplicates - 1]!.interactions - steps[duplicates]!.interactions;
  if (dropped > 0) notes.push(`exact duplicates dropped: ${dropped}`);
  if (sources.items === undefined) return notes;
  if (metadata.itemsWithout > 0)
    notes.push(`items with interactions but no row in ${sources.items}: ${metadata.itemsWithout}`);
  if (metadata.unused > 0) {
    notes.push(
      `items of ${sources.items} without interactions, left out of the catalogue: ${metadata.unused}`,
    );
  }
  return notes;
}
