/** @file The built-in text encoder, as it was fitted, on texts that came later. */

import type { Outcome } from "./partial.ts";
import { meanRow, type SparseRows, transposed } from "./sparse.ts";
import { type Texts, tfidf, tfidfRows } from "./tfidf.ts";

/** Memory for places of terms that are kept. */
const KEPT_BYTES = 64e6;

/**
 * Gives texts their places among the components that were found for a catalogue's texts: (a − ā) Aᵀ P for a text a, the
 * catalogue A, its mean ā and the projection P of its components ("folding in", Deerwester et al. 1990; here exact, so
 * that a text of the catalogue has the features that it has there). What terms contribute is found when they are met.
 */
export function foldTexts(
  texts: readonly Texts[],
  projection: Float32Array,
): (added: readonly Texts[]) => Outcome[] {
  const { rows, vocabulary } = tfidf(texts);
  const dim = projection.length / texts.length;
  const documents = transposed(rows);
  const centre = meanPlace(rows, projection, dim);
  const kept = new Map<number, Float32Array>();

  /** The row of Aᵀ P of a term. */
  function placeOf(term: number): Float32Array {
    const known = kept.get(term);
    if (known) return known;
    const place = new Float32Array(dim);
    const end = documents.offsets[term + 1]!;
    for (let at = documents.offsets[term]!; at < end; at++)
      addScaled(place, projection, documents.indices[at]! * dim, documents.values[at]!);
    kept.set(term, place);
    if (kept.size * dim * 4 > KEPT_BYTES) kept.delete(kept.keys().next().value!);
    return place;
  }

  return (added) => {
    const own = tfidfRows(added, vocabulary);
    return added.map((_, row) => {
      const [from, to] = [own.offsets[row]!, own.offsets[row + 1]!];
      if (from === to) return "none of its words is in the texts of the catalogue";
      const place = centre.map((value) => -value);
      for (let at = from; at < to; at++) addScaled(place, placeOf(own.indices[at]!), 0, own.values[at]!);
      return place;
    });
  };
}

/** to += scale · from[start … start + length of to) */
function addScaled(to: Float32Array, from: Float32Array, start: number, scale: number): void {
  for (let c = 0; c < to.length; c++) to[c]! += scale * from[start + c]!;
}

/** ā Aᵀ P: the place of the mean of the rows that have a term. */
function meanPlace(matrix: SparseRows, projection: Float32Array, dim: number): Float32Array {
  const { rows, offsets, indices, values } = matrix;
  const { mean } = meanRow(matrix);
  const place = new Float64Array(dim);
  for (let row = 0; row < rows; row++) {
    let product = 0;
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) product += values[at]! * mean[indices[at]!]!;
    for (let c = 0; c < dim; c++) place[c]! += product * projection[row * dim + c]!;
  }
  return Float32Array.from(place);
}
