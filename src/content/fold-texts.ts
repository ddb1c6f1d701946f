/** @file The built-in text encoder, as it was fitted, on texts that came later. */

import type { FeatureTable } from "../data/features.ts";
import type { Outcome } from "./partial.ts";
import type { SparseRows } from "./sparse.ts";
import { type Texts, tfidf, tfidfRows } from "./tfidf.ts";

/** Columns of the table that are projected together. */
const STRIP = 64;

/**
 * Gives other texts their places among the components of a table: a text's likeness to the texts of the catalogue,
 * weighed by their places ("folding in"; Deerwester et al. 1990), so that nothing needs to be stored but them.
 */
export function foldTexts(
  { values, present, dim }: Pick<FeatureTable, "values" | "present" | "dim">,
  texts: readonly Texts[],
): (added: readonly Texts[]) => Outcome[] {
  const { rows, vocabulary } = tfidf(texts);
  const count = present.reduce((sum, mark) => sum + mark, 0);
  const { scales, centre } = projection(rows, { values, dim, count });
  const likeness = new Float32Array(rows.columns);
  return (added) => {
    const own = tfidfRows(added, vocabulary);
    return added.map((_, row) => {
      const [from, to] = [own.offsets[row]!, own.offsets[row + 1]!];
      if (from === to) return "none of its words is in the texts of the catalogue";
      for (let at = from; at < to; at++) likeness[own.indices[at]!] = own.values[at]!;
      const sums = weighed(rows, likeness, { values, dim });
      for (let at = from; at < to; at++) likeness[own.indices[at]!] = 0;
      return Float32Array.from(sums, (sum, c) => (sum - centre[c]!) / scales[c]!);
    });
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
