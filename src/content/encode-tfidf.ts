/** @file The text encoder that needs no download: TF-IDF of words and pairs, principal components, whitened. */

import { createHash } from "node:crypto";
import type { Dataset, Item } from "../data/dataset.ts";
import { leftFeatures, writeFeatures } from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";
import { principalComponents } from "./components.ts";
import { TFIDF } from "./feature-space.ts";
import { textsOf } from "./item-text.ts";
import { missingOf, type OnProgress, progressOf, type TableReport } from "./report.ts";
import type { SparseRows } from "./sparse.ts";
import { type Texts, tfidf } from "./tfidf.ts";

export interface TfidfOptions {
  readonly table: string;
  readonly columns: readonly string[];
  /** The most dimensions; fewer where the texts have fewer. */
  readonly dim: number;
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Changes with whatever changes what is written for an unchanged text. */
const VERSION = 3;

/**
 * Encodes all items' texts at once, since every value depends on all of them; the same texts are not encoded again.
 *
 * An item has content where it shares a word with another item.
 *
 * @throws DataError where no two items share a word
 */
export async function encodeTfidf(
  dataset: Dataset,
  items: readonly Item[],
  { table, columns, dim, seed, threads, onProgress }: TfidfOptions,
): Promise<TableReport> {
  const start = performance.now();
  const texts = items.map((item) => textsOf(item, columns));
  const hash = createHash("sha256").update(dataset.manifest.fingerprint).update(JSON.stringify(texts));
  const options = { dim, seed, version: VERSION };
  const source = { encoder: TFIDF, columns, options, inputHash: hash.digest("hex") };
  const report = (now: number, width: number, present: Uint8Array): TableReport => {
    const count = present.reduce((sum, mark) => sum + mark, 0);
    return {
      table,
      dim: width,
      items: items.length,
      encoded: now * count,
      reused: (1 - now) * count,
      ...missingOf(dataset.items, (row) => texts[row]!.length === 0),
      problems: problemsOf(items, texts, present),
      source,
      seconds: (performance.now() - start) / 1000,
    };
  };
  const before = await leftFeatures(dataset, table);
  if (before !== undefined && JSON.stringify(before.source) === JSON.stringify(source))
    return report(0, before.dim, before.present);
  const progress = progressOf(table, onProgress);
  const { values, width, present, projection } = await factorize(texts, { dim, seed, threads, progress });
  await writeFeatures(dataset, table, { dim: width, values, present, source, projection });
  return report(1, width, present);
}

interface FactorOptions {
  readonly dim: number;
  readonly seed: number;
  readonly threads: number | undefined;
  readonly progress: (step: string, done: number, total: number) => void;
}

async function factorize(texts: readonly Texts[], { dim, seed, threads, progress }: FactorOptions) {
  progress("reading the texts", 0, 100);
  const { rows } = tfidf(texts);
  const { filled, own } = filledRows(rows);
  progress("finding components", 5, 100);
  const onProgress = (done: number) => progress("finding components", 5 + Math.round(90 * done), 100);
  const found = await principalComponents(filled, { dim, seed, threads, onProgress });
  if (found.dim === 0) {
    const what =
      "the items' texts are all alike or share no words, so nothing can be learned from them; choose other columns with --text";
    throw new DataError("no-common-words", what);
  }
  const present = new Uint8Array(texts.length);
  for (const row of own) present[row] = 1;
  const spread = (rowsOf: Float32Array): Float32Array => {
    const all = new Float32Array(texts.length * found.dim);
    for (const [at, row] of own.entries())
      all.set(rowsOf.subarray(at * found.dim, (at + 1) * found.dim), row * found.dim);
    return all;
  };
  return {
    values: spread(found.scores),
    width: found.dim,
    present,
    projection: spread(found.projection),
  };
}

/** The rows with a term, and which they are. */
function filledRows(rows: SparseRows): { readonly filled: SparseRows; readonly own: readonly number[] } {
  const { offsets } = rows;
  const own = Array.from({ length: rows.rows }, (_, row) => row).filter(
    (row) => offsets[row + 1]! > offsets[row]!,
  );
  const ends = new Int32Array(new SharedArrayBuffer(4 * (own.length + 1)));
  for (const [at, row] of own.entries()) ends[at + 1] = offsets[row + 1]!;
  return { filled: { ...rows, rows: own.length, offsets: ends }, own };
}

function problemsOf(items: readonly Item[], texts: readonly Texts[], present: Uint8Array) {
  const alone = items.filter((_, at) => texts[at]!.length > 0 && present[at] === 0);
  return alone.map(({ id }) => ({ item: id, what: "none of its words is in another item's text" }));
}
