/** @file manifest.json of a dataset folder: what was imported, how, and the protocol fingerprint. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { DataError } from "../tensor/errors.ts";
import { readJson } from "./files.ts";

/** The version of the dataset folder that this code writes and reads. */
export const DATASET_FORMAT = 1;

/** The names of the data files in a dataset folder. */
export const datasetFiles = ["interactions.parquet", "users.parquet", "items.parquet"] as const;

/** The order rules, which are part of the fingerprint: another rule gives other sequences and other targets. */
export const orderRules = {
  users: "first appearance in the input",
  items: "item id, by UTF-8 bytes",
  interactions: "user, then time; ties keep input order",
  duplicates: "same user, item and time (or position): the first is kept",
  core: "every interaction counts; users and items together, to a fixed point",
} as const;

const count = z.int().nonnegative();
const counts = z.object({ interactions: count, users: count, items: count });

const time = z.object({
  /** "timestamp": seconds are known; "position": only an order; "input-order": the order of the file's rows. */
  kind: z.enum(["timestamp", "position", "input-order"]),
  column: z.string().optional(),
  /** How the column's numbers were read; ISO 8601 texts are read as such in any case. */
  unit: z.enum(["seconds", "milliseconds", "microseconds", "nanoseconds", "iso-8601"]).optional(),
  /** Seconds since 1970 of the first and the last interaction. */
  first: z.number().optional(),
  last: z.number().optional(),
});

const filters = z.object({ minUser: count, minItem: count, minRating: z.number().nullable() });

const schema = z.object({
  kind: z.literal("sequitur-dataset"),
  format: z.literal(DATASET_FORMAT),
  fingerprint: z.string(),
  /** SHA-256 of the ids, the sequences and the times; independent of file formats, machine and date. */
  contentHash: z.string(),
  counts,
  /** Counts after each step, in order; the first is what the file holds. */
  steps: z.array(counts.extend({ step: z.string() })),
  sources: z.object({ interactions: z.string(), items: z.string().optional() }),
  columns: z.object({ user: z.string(), item: z.string(), rating: z.string().optional() }),
  time,
  filters,
  order: z.record(z.string(), z.string()),
  /** The rule by which this data is split unless another one is asked for. */
  split: z.literal("leave-one-out"),
  /** Catalogue items with and without a row in the items file, and rows of items without interactions (left out). */
  metadata: z.object({ items: count, itemsWithout: count, unused: count, columns: z.array(z.string()) }),
  /** The folder of the items' pictures, and how many items have one. */
  images: z.object({ directory: z.string(), items: count }).optional(),
  schema: z.record(z.string(), z.record(z.string(), z.string())),
  files: z.record(z.string(), z.string()),
});

/** The manifest of a dataset folder. */
export type Manifest = Readonly<z.infer<typeof schema>>;
/** Numbers of interactions, users and items. */
export type Counts = z.infer<typeof counts>;
/** What the time of an interaction is. */
export type TimeRule = z.infer<typeof time>;
/** The thresholds; 1 and null let everything pass. */
export type Filters = z.infer<typeof filters>;

/** The protocol fingerprint of imported data: 16 hexadecimal digits of content, filters and order rules. */
export function fingerprintOf(
  contentHash: string,
  { minUser, minItem, minRating }: Filters,
  kind: string,
): string {
  const parts = [DATASET_FORMAT, contentHash, minUser, minItem, minRating, kind, Object.entries(orderRules)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

/** Reads and checks a dataset folder's manifest; DataError where there is none or it is of another version. */
export async function readManifest(directory: string): Promise<Manifest> {
  const path = join(directory, "manifest.json");
  const value = await readJson(path).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.code !== "missing-file") throw error;
    const what = `${directory}: this is not a dataset folder (it has no manifest.json); make one with "sequitur import"`;
    throw new DataError("not-a-dataset", what, { directory });
  });
  const head = z.looseObject({ kind: z.literal("sequitur-dataset"), format: z.number() }).safeParse(value);
  if (!head.success) {
    throw new DataError("not-a-dataset", `${path}: this is not the manifest of a Sequitur dataset`, {
      directory,
    });
  }
  if (head.data.format !== DATASET_FORMAT) {
    const format = head.data.format;
    const what = `${directory}: the dataset was written by format ${format}, this version reads ${DATASET_FORMAT}: import it again`;
    throw new DataError("other-version", what, { directory, format });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const what = `${path}: the manifest was altered: ${issue.path.join(".")}: ${issue.message}; import the data again`;
  throw new DataError("altered-manifest", what, { directory });
}
