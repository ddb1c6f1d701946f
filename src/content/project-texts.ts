/**
 * @file Places of many new texts among the components that the built-in text encoder found, all at once and from its table
 * alone; fold-texts.ts does it for few texts at a time, and exactly, by the projection that is kept beside the table.
 */
import type { FeatureTable } from "../data/features.ts";
import { loadStrip, meanRow, type SparseRows, STRIP, sparseProduct, transposed } from "./sparse.ts";

/** The texts that a table was fitted to, in its vocabulary, and the table. */
export interface Fitted extends Pick<FeatureTable, "values" | "dim"> {
  readonly rows: SparseRows;
}

/**
 * "Folding in" (Deerwester et al. 1990): a text's likeness to each of the fitted texts, weighed by their places, so that
 * nothing needs to be stored but those. Texts [n, V] → places [n, F]; fitted texts come out where they are.
 */
export function projectTexts({ rows, values, dim }: Fitted, added: SparseRows): Float32Array {
  const { mean, count } = meanRow(rows);
  const terms = transposed(rows);
  const places = new Float32Array(added.rows * dim);
  const columns = new Float32Array(rows.rows * STRIP);
  const strip = new Float32Array(rows.columns * STRIP);
  for (let start = 0; start < dim; start += STRIP) {
    const width = Math.min(STRIP, dim - start);
    loadStrip(values, { width: dim, at: start }, columns);
    sparseProduct(terms, columns, strip);
    const { squares, centre } = measure(strip, mean);
    for (let row = 0; row < added.rows; row++) {
      if (added.offsets[row] === added.offsets[row + 1]) continue;
      const sums = new Float64Array(STRIP);
      for (let at = added.offsets[row]!; at < added.offsets[row + 1]!; at++) {
        const from = added.indices[at]! * STRIP;
        for (let c = 0; c < width; c++) sums[c]! += added.values[at]! * strip[from + c]!;
      }
      for (let c = 0; c < width; c++)
        places[row * dim + start + c] = ((sums[c]! - centre[c]!) * count) / squares[c]!;
    }
  }
  return places;
}

/** The squared length of each column of a strip, and its product with the mean text. */
function measure(strip: Float32Array, mean: Float64Array) {
  const [squares, centre] = [new Float64Array(STRIP), new Float64Array(STRIP)];
  for (let at = 0; at < strip.length; at++) {
    const [term, c] = [(at - (at % STRIP)) / STRIP, at % STRIP];
    squares[c]! += strip[at]! * strip[at]!;
    centre[c]! += strip[at]! * mean[term]!;
  }
  return { squares, centre };
}
