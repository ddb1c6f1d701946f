/** @file Features of items that came after the table: the built-in text encoder, as it was fitted, on their texts. */

import { type Dataset, type Item, readItems } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";
import { textsOf } from "./item-text.ts";
import type { SparseRows } from "./sparse.ts";
import { tfidf, tfidfRows } from "./tfidf.ts";

/** Gives rows of a feature table, [n, F], and which of them have content, for items that are not in the catalogue. */
export type NewItemFeatures = (items: readonly Item[]) => {
  readonly values: Float32Array;
  readonly present: Uint8Array;
};

/** Columns of the table that are projected together. */
const STRIP = 64;

/**
 * The built-in encoder of a table, for new items: a text's place among the components is its likeness to the texts of
 * the catalogue, weighed by their places ("folding in"; Deerwester et al. 1990), so nothing needs to be stored but them.
 *
 * @throws DataError where the table was made by another encoder
 */
export async function openNewItemFeatures(dataset: Dataset, table: string): Promise<NewItemFeatures> {
  const { values, present, dim, source } = await openFeatures(dataset, table);
  if (source.encoder !== "tfidf-svd") {
    const what = `features "${table}" were made by ${String(source.encoder)}, not by the built-in text encoder: new items need features of their own`;
    throw new DataError("other-encoder", what, { table });
  }
  const columns = source.columns as readonly string[];
  const items = await readItems(dataset);
  const { rows, vocabulary } = tfidf(items.map((item) => textsOf(item, columns)));
  const count = present.reduce((sum, mark) => sum + mark, 0);
  const { scales, centre } = projection(rows, { values, dim, count });
  return (added) => {
    const own = tfidfRows(
      added.map((item) => textsOf(item, columns)),
      vocabulary,
    );
    const folded = { values: new Float32Array(added.length * dim), present: new Uint8Array(added.length) };
    const likeness = new Float32Array(rows.columns);
    for (let row = 0; row < added.length; row++) {
      const [from, to] = [own.offsets[row]!, own.offsets[row + 1]!];
      if (from === to) continue;
      folded.present[row] = 1;
      for (let at = from; at < to; at++) likeness[own.indices[at]!] = own.values[at]!;
      const sums = weighed(rows, likeness, { values, dim });
      for (let c = 0; c < dim; c++) folded.values[row * dim + c] = (sums[c]! - centre[c]!) / scales[c]!;
      for (let at = from; at < to; at++) likeness[own.indices[at]!] = 0;
    }
    return folded;
  };
}

interface Table {
  readonly values: Float32Array;
  readonly dim: number;
}

/** Σ of the catalogue's rows, each times its product with a dense vector of terms: (A v)ᵀ S. */
function weighed(
  { rows, offsets, indices, values: terms }: SparseRows,
  vector: Float32Array,
  { values, dim }: Table,
) {
  const sums = new Float64Array(dim);
  for (let row = 0; row < rows; row++) {
    let product = 0;
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) product += terms[at]! * vector[indices[at]!]!;
    if (product === 0) continue;
    for (let c = 0; c < dim; c++) sums[c]! += product * values[row * dim + c]!;
  }
  return sums;
}

/** What turns such a sum into a place: |Aᵀ s|² / n of each column s, and the sum that the mean text has. */
function projection(matrix: SparseRows, { values, dim, count }: Table & { readonly count: number }) {
  const { rows, columns, offsets, indices, values: terms } = matrix;
  const scales = new Float64Array(dim);
  const mean = new Float32Array(columns);
  for (let at = 0; at < terms.length; at++) mean[indices[at]!]! += terms[at]! / count;
  const strip = new Float32Array(columns * STRIP);
  for (let start = 0; start < dim; start += STRIP) {
    const width = Math.min(STRIP, dim - start);
    strip.fill(0);
    for (let row = 0; row < rows; row++) {
      const from = row * dim + start;
      for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
        const to = indices[at]! * STRIP;
        for (let c = 0; c < width; c++) strip[to + c]! += terms[at]! * values[from + c]!;
      }
    }
    for (let at = 0; at < strip.length; at++) {
      const c = at % STRIP;
      if (c < width) scales[start + c]! += (strip[at]! * strip[at]!) / count;
    }
  }
  return { scales, centre: weighed(matrix, mean, { values, dim }) };
}
