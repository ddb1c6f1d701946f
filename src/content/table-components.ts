/** @file The principal components of a feature table's columns. */

import type { FeatureTable } from "../data/features.ts";
import { denseProducts } from "./dense.ts";
import { symmetricEigen } from "./eigen.ts";

/** A component whose variance is this small beside the first one's is rounding. */
const NOTHING = 1e-9;

/**
 * The way from centred columns to the first principal components of the items that have content, each of variance 1:
 * [F, C]. A component that the items do not have is 0. The largest share of each is positive, so that signs do not hang
 * on rounding.
 */
export async function tableComponents(table: FeatureTable, components: number): Promise<Float32Array> {
  const { dim } = table;
  const rows = centredRows(table);
  const count = rows.length / dim;
  const dense = await denseProducts(dim, 1);
  const squares = await dense.across(rows, rows).finally(() => dense.dispose());
  const { values: variances, vectors } = symmetricEigen(squares, dim);
  const way = new Float32Array(dim * components);
  for (let k = 0; k < components; k++) {
    if (!(variances[k]! > NOTHING * variances[0]!)) break;
    const vector = vectors.subarray(k * dim, (k + 1) * dim);
    const largest = vector.reduce((most, share) => (Math.abs(share) > Math.abs(most) ? share : most), 0);
    const scale = Math.sign(largest) * Math.sqrt(count / variances[k]!);
    for (let c = 0; c < dim; c++) way[c * components + k] = vector[c]! * scale;
  }
  return way;
}

/** The rows of the items that have content, less their mean: [M, F]. */
function centredRows({ dim, values, present }: FeatureTable): Float32Array {
  const items = Array.from(present.keys()).filter((item) => present[item] === 1);
  const sums = new Float64Array(dim);
  for (const item of items) for (let c = 0; c < dim; c++) sums[c]! += values[item * dim + c]!;
  const rows = new Float32Array(items.length * dim);
  items.forEach((item, k) => {
    for (let c = 0; c < dim; c++) rows[k * dim + c] = values[item * dim + c]! - sums[c]! / items.length;
  });
  return rows;
}
