/** @file Orthonormal columns by the Cholesky factor of their products (CholeskyQR; Yamamoto et al. 2015). */

import type { DenseProducts } from "./dense.ts";

/** A column whose square is this small beside what it was is a combination of those before it, but for rounding. */
const DEPENDENT = 3e-7;

/** x [N, M] with orthonormal columns of the same span; columns that depend on those before them become zero. */
export async function orthonormal(
  x: Float32Array,
  width: number,
  dense: DenseProducts,
): Promise<Float32Array> {
  return dense.times(x, inverseFactor(await dense.across(x, x), width));
}

/** L⁻¹ [M, M] of the products G = L Lᵀ, which are destroyed; rows of dependent columns are zero. */
export function inverseFactor(products: Float64Array, n: number): Float32Array {
  const kept = factor(products, n);
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    if (kept[i] === 0) continue;
    const row = inverse.subarray(i * n, i * n + n);
    row[i] = 1;
    for (let k = 0; k < i; k++) {
      const scale = products[i * n + k]!;
      if (scale === 0) continue;
      const start = k * n;
      for (let c = 0; c <= k; c++) row[c]! -= scale * inverse[start + c]!;
    }
    const pivot = products[i * n + i]!;
    for (let c = 0; c <= i; c++) row[c]! /= pivot;
  }
  return Float32Array.from(inverse);
}

/** Puts L into the lower half of G and says which columns are independent. */
function factor(g: Float64Array, n: number): Uint8Array {
  const kept = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    const square = g[row + i]!;
    let rest = square;
    for (let j = 0; j < i; j++) {
      if (kept[j] === 0) {
        g[row + j] = 0;
        continue;
      }
      const other = j * n;
      let sum = g[row + j]!;
      for (let k = 0; k < j; k++) sum -= g[row + k]! * g[other + k]!;
      g[row + j] = sum / g[other + j]!;
      rest -= g[row + j]! * g[row + j]!;
    }
    if (!(rest > DEPENDENT * square)) continue;
    kept[i] = 1;
    g[row + i] = Math.sqrt(rest);
  }
  return kept;
}
