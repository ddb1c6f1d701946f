/** @file The features of described items: those they bring, those their dataset has of them, or those the encoders make. */

import { textsOf } from "../content/item-text.ts";
import { columnsRead, type NewItemFeatures, openNewItemFeatures } from "../content/new-items.ts";
import type { Item } from "../data/dataset.ts";
import { type FeatureHome, type FeatureTable, listFeatures, openFeatures } from "../data/features.ts";
import { type ContentTable, type DescribedItem, unfitFeatures } from "../retrieval/content-reader.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";

export interface ItemFeaturesOptions {
  /** The dataset of the run; undefined where it was not found. */
  readonly dataset: FeatureHome | undefined;
  /** Its items by their rows, read when they are asked for. */
  readonly items: () => Promise<readonly Item[]>;
  /** What the table held when the run was trained. */
  readonly contentHash: string | undefined;
  /** Where the encoder is, if it is no longer where it was. */
  readonly encoder?: string | undefined;
  readonly threads?: number | undefined;
}

/** Features of items in one table: a vector; a sentence on why there is none; or null, where the run's own must do. */
export type FoundFeatures = Float32Array | string | null;

/** Finds features of one table. */
export interface ItemFeatures {
  /** The table itself. @throws DataError where it is no longer what the run was trained with */
  open(): Promise<FeatureTable>;
  find(items: readonly DescribedItem[]): Promise<readonly FoundFeatures[]>;
  dispose(): Promise<void>;
}

/** The finder for one table; what it needs is opened when the first item needs it. */
export function itemFeatures(shape: ContentTable, options: ItemFeaturesOptions): ItemFeatures {
  const { table } = shape;
  let opened: Promise<FeatureTable> | undefined;
  let encoder: Promise<NewItemFeatures> | undefined;
  const open = (): Promise<FeatureTable> => {
    opened ??= openTable(table, options).catch((error: unknown) => {
      opened = undefined; // it may be there the next time
      throw error;
    });
    return opened;
  };

  async function reopen(): Promise<NewItemFeatures> {
    const { dataset, encoder: place, threads, items } = options;
    const source = await open();
    encoder ??= openNewItemFeatures(dataset!, source, { encoder: place, threads, items: await items() });
    return encoder.catch((error: unknown) => {
      encoder = undefined;
      throw error;
    });
  }

  /** What the table has of an item that reads as it did when the table was made; undefined where it reads otherwise. */
  async function unchanged(item: DescribedItem, row: number): Promise<FoundFeatures | undefined> {
    const { values, present, dim, source } = await open();
    const columns = columnsRead(source);
    const texts = async (of: Item): Promise<string> => JSON.stringify(textsOf(of, columns));
    const before = columns.length > 0 ? (await options.items())[row]! : undefined;
    if (before && (await texts(itemOf(item))) !== (await texts(before))) return undefined;
    return present[row] ? values.subarray(row * dim, (row + 1) * dim) : "the dataset has none of it";
  }

  async function findOne(item: DescribedItem): Promise<FoundFeatures | undefined> {
    const ready = item.features?.[table];
    if (ready) return unfitFeatures(shape, ready) ?? Float32Array.from(ready);
    return item.row === undefined ? undefined : unchanged(item, item.row);
  }

  return {
    open,
    async find(items) {
      const found: (FoundFeatures | undefined)[] = [];
      try {
        for (const item of items) found.push(await findOne(item));
        const left = [...items.keys()].filter((k) => found[k] === undefined);
        if (left.length === 0) return found as FoundFeatures[];
        const made = await (await reopen()).encode(left.map((k) => itemOf(items[k]!)));
        left.forEach((k, at) => {
          found[k] = made[at]!;
        });
        return found as FoundFeatures[];
      } catch (error) {
        const why = reasonOf(table, error);
        return Promise.all(
          items.map(async (item, k) => {
            if (item.features?.[table]) return (await findOne(item))!;
            return found[k] ?? (item.row === undefined ? why : null);
          }),
        );
      }
    },
    async dispose() {
      await (await encoder?.catch(() => undefined))?.dispose();
    },
  };
}

export const itemOf = ({ id, title, fields }: DescribedItem): Item => ({
  id,
  ...(title === undefined ? {} : { title }),
  fields,
});

async function openTable(
  table: string,
  { dataset, contentHash }: ItemFeaturesOptions,
): Promise<FeatureTable> {
  if (!dataset) {
    const what = `the dataset of the run was not found, so features "${table}" cannot be made as in training; name its folder, or give the features`;
    throw new DataError("no-dataset", what);
  }
  const known = await listFeatures(dataset);
  if (!known.includes(table)) {
    const what = `the dataset no longer has features "${table}", by which new items are encoded; encode it again`;
    throw new DataError("unknown-features", what);
  }
  const opened = await openFeatures(dataset, table);
  if (opened.contentHash === contentHash) return opened;
  const what = `features "${table}" were made anew since the model was trained; train again, or give features such as those of training`;
  throw new DataError("other-features", what);
}

/** Errors whose sentences are for whoever puts an item; others name places of the machine. */
const told = new Set([
  "no-dataset",
  "unknown-features",
  "other-features",
  "other-encoder",
  "no-encoder",
  "no-projection",
  "changed-encoder",
  "no-transformers",
  "no-sharp",
]);

/** Why nothing could be encoded; what cannot be mended by another request is no reason but an error. */
function reasonOf(table: string, error: unknown): string {
  if (!(error instanceof DataError || error instanceof ConfigError)) throw error;
  if (told.has(error.code)) return error.message;
  return `the encoder of features "${table}" cannot be opened again (${error.code}); give the features`;
}
