/** @file Feature tables: a vector for each item that has content, kept in the dataset folder beside its data. */

import { createHash } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import type { SafetensorsFile } from "../tensor/safetensors.ts";
import type { Dataset } from "./dataset.ts";
import { readTensors, writeTensors } from "./tensors.ts";

/** What of a dataset a feature table must know: where it is, which one it is, and its number of items. */
export type FeatureHome = Pick<Dataset, "directory" | "manifest">;

/** Where a table came from, as JSON: columns, encoder, its options, and a hash of what was encoded. */
export type FeatureSource = Readonly<Record<string, unknown>>;

/** Vectors of a catalogue's items. */
export interface FeatureTable {
  readonly name: string;
  /** F, the width of a vector. */
  readonly dim: number;
  /** [N, F]: row = internal item index; rows of items without content are zero. */
  readonly values: Float32Array;
  /** [N]: 1 where the item has content. */
  readonly present: Uint8Array;
  readonly source: FeatureSource;
  /** SHA-256 of the values and of which are present. */
  readonly contentHash: string;
  /** [N, 16]: what each row was computed from, as the start of a hash; absent where that is not known. */
  readonly keys?: Uint8Array;
}

/** A table to be written. */
export interface NewFeatures extends Omit<FeatureTable, "name" | "contentHash"> {
  /** [N, F], where the encoder needs it to give items that come later their features; read by `readProjection`. */
  readonly projection?: Float32Array | undefined;
}

/** What of a table is read when it is opened. */
const columns = ["values", "present", "keys"];

/** Bytes of one item's key in `keys`. */
export const KEY_BYTES = 16;

/** The name of the folder of feature tables in a dataset folder. */
export const FEATURE_FOLDER = "features";
const ENDING = ".safetensors";

/** The folder of a dataset's feature tables. */
export const featureFolder = (directory: string): string => join(directory, FEATURE_FOLDER);

/** The names of a dataset's feature tables, in order. */
export async function listFeatures({ directory }: Pick<FeatureHome, "directory">): Promise<string[]> {
  const names = await readdir(featureFolder(directory)).catch((): string[] => []);
  const tables = names.filter((name) => name.endsWith(ENDING) && !name.startsWith("."));
  return tables.map((name) => name.slice(0, -ENDING.length)).sort();
}

/**
 * A dataset's feature table.
 *
 * @throws DataError where there is none of that name, or it is broken or of another data set
 */
export async function openFeatures(dataset: FeatureHome, name: string): Promise<FeatureTable> {
  const { directory, manifest } = dataset;
  const known = await listFeatures(dataset);
  if (!known.includes(name)) throw unknownTable(directory, name, known);
  const file = await readTensors(pathOf(directory, name), columns);
  if (file.metadata.dataset === manifest.fingerprint) return tableOf(dataset, name, file);
  const what = `features "${name}" of ${directory} belong to another data set (${file.metadata.dataset ?? "unnamed"}, this one is ${manifest.fingerprint}); encode or import them again for this one`;
  throw new DataError("other-dataset", what, { directory, name });
}

/** What a table's encoder left for items that come later; undefined where it left nothing. */
export async function readProjection(
  { directory }: Pick<FeatureHome, "directory">,
  name: string,
): Promise<Float32Array | undefined> {
  const { projection } = (await readTensors(pathOf(directory, name), ["projection"])).tensors;
  return projection?.data instanceof Float32Array ? projection.data : undefined;
}

/** A table as it was left, and the fingerprint of the data set that it was made for. */
export type LeftFeatures = Omit<FeatureTable, "contentHash"> & { readonly dataset: string };

/** The table of that name whichever data set it is of, with its keys, or undefined where there is no whole one. */
export async function leftFeatures(
  { directory }: Pick<FeatureHome, "directory">,
  name: string,
): Promise<LeftFeatures | undefined> {
  const file = await readTensors(pathOf(directory, name), columns).catch(() => undefined);
  const { values, present, keys } = file?.tensors ?? {};
  if (!(values?.data instanceof Float32Array && present?.data instanceof Uint8Array)) return undefined;
  if (values.shape[0] !== present.shape[0]) return undefined;
  const dataset = file!.metadata.dataset ?? "";
  const rest = { present: present.data, source: sourceOf(file!), dataset };
  const kept = keys?.data instanceof Uint8Array ? { keys: keys.data } : {};
  return { name, dim: values.shape[1]!, values: values.data, ...rest, ...kept };
}

/** Writes a dataset's feature table, whole or not at all. @throws ConfigError for a name that no file can have */
export async function writeFeatures(
  { directory, manifest }: FeatureHome,
  name: string,
  { dim, values, present, source, keys, projection }: NewFeatures,
): Promise<FeatureTable> {
  checkFeatureName(name);
  const rows = manifest.counts.items;
  if (
    present.length !== rows ||
    values.length !== rows * dim ||
    (keys?.length ?? rows * KEY_BYTES) !== rows * KEY_BYTES
  ) {
    const what = `features "${name}": ${values.length} values and ${present.length} marks are not ${rows} rows of ${dim}`;
    throw new DataError("wrong-rows", what, { name, rows, dim });
  }
  refuseUnknownNumbers(name, values, dim);
  const contentHash = createHash("sha256").update(values).update(present).digest("hex");
  const tensors = {
    values: { data: values, shape: [rows, dim] },
    present: { data: present, shape: [rows] },
    ...(keys === undefined ? {} : { keys: { data: keys, shape: [rows, KEY_BYTES] } }),
    ...(projection === undefined ? {} : { projection: { data: projection, shape: [rows, dim] } }),
  };
  const metadata = { dataset: manifest.fingerprint, source: JSON.stringify(source), contentHash };
  await mkdir(featureFolder(directory), { recursive: true });
  await writeTensors(pathOf(directory, name), tensors, metadata);
  return { name, dim, values, present, source, contentHash, ...(keys === undefined ? {} : { keys }) };
}

/** @throws ConfigError where a table cannot have that name */
export function checkFeatureName(name: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,99}$/u.test(name)) return;
  const what = `features "${name}": a name is up to 100 letters, digits, dots, dashes and underscores, such as "text"`;
  throw new ConfigError("bad-name", what, { name });
}

const pathOf = (directory: string, name: string): string =>
  join(featureFolder(directory), `${name}${ENDING}`);

function unknownTable(directory: string, name: string, known: readonly string[]): DataError {
  const there = known.length === 0 ? "; there are none" : suggest(name, known);
  const what = `${directory}: there are no features "${name}"${there}; make them with "sequitur encode --data ${directory}" or "sequitur import --features ${name}=FILE"`;
  return new DataError("unknown-features", what, { directory, name, known });
}

function tableOf({ directory, manifest }: FeatureHome, name: string, file: SafetensorsFile): FeatureTable {
  const { values, present, keys } = file.tensors;
  const rows = manifest.counts.items;
  const whole =
    values?.data instanceof Float32Array &&
    values.shape.length === 2 &&
    values.shape[0] === rows &&
    present?.data instanceof Uint8Array &&
    present.data.length === rows;
  if (!whole) {
    const what = `${pathOf(directory, name)}: this is no table of features of ${rows} items; encode or import it again`;
    throw new DataError("invalid-features", what, { directory, name });
  }
  return {
    name,
    dim: values.shape[1]!,
    values: values.data as Float32Array,
    present: present.data as Uint8Array,
    source: sourceOf(file),
    contentHash: file.metadata.contentHash ?? "",
    ...(keys?.data instanceof Uint8Array ? { keys: keys.data } : {}),
  };
}

function sourceOf({ metadata }: SafetensorsFile): FeatureSource {
  try {
    return JSON.parse(metadata.source ?? "{}") as FeatureSource;
  } catch {
    return {};
  }
}

function refuseUnknownNumbers(name: string, values: Float32Array, dim: number): void {
  let at = 0;
  while (at < values.length && Number.isFinite(values[at]!)) at++;
  if (at === values.length) return;
  const what = `features "${name}": value ${at % dim} of row ${Math.floor(at / dim)} is ${values[at]}, which is no number`;
  throw new DataError("not-a-number", what, { name, row: Math.floor(at / dim) });
}
