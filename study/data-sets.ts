/** @file The data sets of the studies: what each asks of every model, and their import into the work folder, once. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { encode } from "../src/content/encode.ts";
import { openDataset } from "../src/data/dataset.ts";
import { listFeatures } from "../src/data/features.ts";
import { importInteractions } from "../src/data/import.ts";
import { readManifest } from "../src/data/manifest.ts";
import { DataError } from "../src/tensor/errors.ts";
import { suggest } from "../src/tensor/nearest.ts";

const Scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** What a path is set to: a value, or the settings of a whole part. */
export const Setting = z.union([Scalar, z.record(z.string(), Scalar)]);
/** Settings by dotted path, as `--set` takes them. */
export const SettingsSchema = z.record(z.string(), Setting);
export type Settings = Readonly<z.infer<typeof SettingsSchema>>;

export interface DataSet {
  /** What every model is set to on it. */
  readonly set: Settings;
  /** Interactions, from which the time of a run is estimated. */
  readonly interactions: number;
  /** Columns of the items from which the text features are made, where they have texts. */
  readonly text?: readonly string[];
}

export type DataName = "amazon-beauty" | "amazon-sports" | "ml-1m" | "amazon-scientific";

/** In the order in which the leaderboard is filled. */
export const dataSets: Readonly<Record<DataName, DataSet>> = {
  "amazon-beauty": { set: {}, interactions: 198_502, text: ["title", "brand", "categories"] },
  "amazon-sports": { set: {}, interactions: 296_337 },
  "ml-1m": { set: { "training.maxLength": 200, "training.rowLength": 200 }, interactions: 999_611 },
  "amazon-scientific": { set: {}, interactions: 85_211, text: ["title"] },
};

export const dataNames = Object.keys(dataSets) as readonly DataName[];

/** A data set by name. @throws DataError naming the nearest */
export function dataName(name: string): DataName {
  if (dataNames.includes(name as DataName)) return name as DataName;
  throw new DataError("unknown-data", `there is no data set "${name}"${suggest(name, dataNames)}`, { name });
}

/** Where a data set is once it has been imported. */
export const dataFolder = (work: string, name: DataName): string => join(work, "data", name);

/** The fingerprint of a data set that has been imported already, or undefined. */
export async function knownFingerprint(work: string, name: DataName): Promise<string | undefined> {
  const folder = dataFolder(work, name);
  return existsSync(folder) ? (await readManifest(folder)).fingerprint : undefined;
}

/** The same of a data set that has its text features, too, where it has texts. */
export async function readyFingerprint(work: string, name: DataName): Promise<string | undefined> {
  const known = await knownFingerprint(work, name);
  if (known === undefined || !dataSets[name].text) return known;
  const tables = await listFeatures(await openDataset(dataFolder(work, name)));
  return tables.includes("text") ? known : undefined;
}

/** Imports a data set of the shared folder where it is not yet in the work folder, and encodes its texts. @throws DataError */
export async function prepareData(shared: string, work: string, name: DataName): Promise<string> {
  const fingerprint = (await knownFingerprint(work, name)) ?? (await importData(shared, work, name));
  const { text: columns } = dataSets[name];
  if (columns) await encode(await openDataset(dataFolder(work, name)), { text: { columns } });
  return fingerprint;
}

async function importData(shared: string, work: string, name: DataName): Promise<string> {
  const source = join(shared, "data", name);
  const interactions = join(source, "interactions.csv.gz");
  if (!existsSync(interactions)) {
    const message = `${interactions}: there is no such file; name the folder that holds data/${name} with --shared`;
    throw new DataError("missing-data", message, { name });
  }
  await mkdir(join(work, "data"), { recursive: true });
  const items = join(source, "items.jsonl.gz");
  const out = dataFolder(work, name);
  const { manifest } = await importInteractions({
    interactions,
    out,
    ...(existsSync(items) ? { items } : {}),
  });
  return manifest.fingerprint;
}
