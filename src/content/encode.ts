/** @file Encodes a dataset's contents into feature tables in its folder. */

import { type Dataset, type Item, readItems } from "../data/dataset.ts";
import { encodeTfidf } from "./encode-tfidf.ts";
import { textColumns } from "./item-text.ts";
import type { OnProgress, TableReport } from "./report.ts";

/** What is encoded, and how. */
export interface EncodeOptions {
  /** Fields to read; every field that holds words by default. */
  readonly text?: { readonly columns?: readonly string[] | undefined } | undefined;
  /** Name of the table, instead of "text". */
  readonly outName?: string | undefined;
  /** The most dimensions of the built-in text encoder. */
  readonly dim?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Dimensions of the built-in text encoder. */
export const TEXT_DIM = 1024;

/** Encodes what is asked for; what has not changed since the last time is not encoded again. */
export async function encode(dataset: Dataset, options: EncodeOptions): Promise<TableReport[]> {
  const items = await readItems(dataset);
  return [await encodeText(dataset, items, options)];
}

function encodeText(dataset: Dataset, items: readonly Item[], options: EncodeOptions): Promise<TableReport> {
  const { text, outName = "text", dim = TEXT_DIM, seed = 1, threads, onProgress } = options;
  const columns = textColumns(items, text?.columns);
  return encodeTfidf(dataset, items, { table: outName, columns, dim, seed, threads, onProgress });
}
