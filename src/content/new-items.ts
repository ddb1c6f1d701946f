/** @file Features of items that came after the table: by the encoder that made it, opened again. */

import { type Item, readItems } from "../data/dataset.ts";
import {
  type FeatureHome,
  type FeatureSource,
  type FeatureTable,
  openFeatures,
  readProjection,
} from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";
import { reopenImages } from "./encode-images.ts";
import { reopenSentences } from "./encode-sentences.ts";
import { vectorOutcome } from "./encode-vectors.ts";
import { placeOf } from "./encoder-place.ts";
import { foldTexts } from "./fold-texts.ts";
import { textsOf } from "./item-text.ts";
import type { Outcome } from "./partial.ts";

/** Encodes items that are not in a table as those that are. */
export interface NewItemFeatures {
  /** A vector [F] for each item, or a sentence on why it has none. */
  encode(items: readonly Item[]): Promise<readonly Outcome[]>;
  dispose(): Promise<void>;
}

export interface NewItemOptions {
  /** Where the encoder is, if it is no longer where the table says. */
  readonly encoder?: string | undefined;
  readonly threads?: number | undefined;
  /** The items of the dataset, where they have been read already. */
  readonly items?: readonly Item[] | undefined;
}

/**
 * Opens the encoder of a dataset's feature table for items that the table does not have.
 *
 * @throws DataError where the table was made elsewhere, or its encoder cannot be found or is another one
 */
export async function openNewItemFeatures(
  dataset: FeatureHome,
  table: string | FeatureTable,
  options: NewItemOptions = {},
): Promise<NewItemFeatures> {
  const opened = typeof table === "string" ? await openFeatures(dataset, table) : table;
  const { name, source, dim } = opened;
  const columns = columnsRead(source);
  const lacking = `it has no text in ${columns.join(", ")}`;
  if (source.encoder === "tfidf-svd") {
    const items = options.items ?? (await readItems(dataset));
    const projection = await readProjection(dataset, name);
    if (!projection) throw earlierVersion(name);
    const fold = foldTexts(
      items.map((item) => textsOf(item, columns)),
      projection,
    );
    return plain(async (added) => {
      const texts = added.map((item) => textsOf(item, columns));
      return fold(texts).map((outcome, at) => (texts[at]!.length === 0 ? lacking : outcome));
    });
  }
  if (source.encoder === "column")
    return plain(async (added) => added.map((item) => vectorOutcome(item.fields[columns[0]!], dim)));
  const place = placeOf(dataset, opened, options.encoder);
  const reopen = columns.length > 0 ? reopenSentences : reopenImages;
  return reopen(dataset, opened, { place, threads: options.threads });
}

const earlierVersion = (table: string): DataError => {
  const what = `features "${table}" were encoded by an earlier version, which left nothing to encode new items by; encode again, which gives the same numbers, or give the features`;
  return new DataError("no-projection", what, { table });
};

const plain = (encode: NewItemFeatures["encode"]): NewItemFeatures => ({ encode, dispose: async () => {} });

/** The fields that a table's encoder read; none where it read no fields. */
export const columnsRead = ({ columns }: FeatureSource): readonly string[] =>
  (columns ?? []) as readonly string[];
