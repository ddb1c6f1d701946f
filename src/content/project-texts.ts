/** @file Places of many new texts among the components that the built-in text encoder found, all at once. */
import type { FeatureTable } from "../data/features.ts";
import type { SparseRows } from "./sparse.ts";

/** Columns of the table that are projected together. */
const STRIP = 64;

/** The texts that a table was fitted to, in its vocabulary, and the table. */
export interface Fitted extends Pick<FeatureTable, "values" | "present" | "dim"> {
  readonly rows: SparseRows;
}

/**
 * "Folding in" (Deerwester et al. 1990): a text's likeness to each of the fitted texts, weighed by their places, so that
 * nothing needs to be stored but those. Texts [n, V] → places [n, F]; fitted texts come out where they are.
 */
export function projectTexts({ rows, values, present, dim }: Fitted, added: SparseRows): Float32Array {
  const count = present.reduce((sum, mark) => sum + mark, 0);
  const mean = meanOf(rows, count);
  const places = new Float32Array(added.rows * dim);
  const strip = new Float32Array(rows.columns * STRIP);
  for (let start = 0; start < dim; start += STRIP) {
    const width = Math.min(STRIP, dim - start);
    loadStrip(rows, { values, dim, start, width }, strip);
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

function meanOf({ columns, indices, values }: SparseRows, count: number): Float64Array {
  const mean = new Float64Array(columns);
  for (let at = 0; at < values.length; at++) mean[indices[at]!]! += values[at]! / count;
  return mean;
}

interface Columns {
  readonly values: Float32Array;
  readonly dim: number;
  readonly start: number;
  readonly width: number;
}

/** strip [V, STRIP] ← Aᵀ S of the columns from `start` on. */
function loadStrip(
  { rows, offsets, indices, values: terms }: SparseRows,
  { values, dim, start, width }: Columns,
  strip: Float32Array,
): void {
  strip.fill(0);
  for (let row = 0; row < rows; row++) {
    const from = row * dim + start;
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
      const to = indices[at]! * STRIP;
      for (let c = 0; c < width; c++) strip[to + c]! += terms[at]! * values[from + c]!;
    }
  }
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
