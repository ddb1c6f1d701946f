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
    for (let k = 0; k < i; k += 4) subtractRows(row, inverse, products.subarray(i * n + k, i * n + i), k * n);
    const pivot = products[i * n + i]!;
    for (let c = 0; c <= i; c++) row[c]! /= pivot;
  }
  return Float32Array.from(inverse);
}

/** row −= Σ scales[k] · inverse[k] over the four rows of the inverse from `start` on, or as many as have a scale. */
function subtractRows(row: Float64Array, inverse: Float64Array, scales: Float64Array, start: number): void {
  const n = row.length;
  const more = (k: number): number => start + Math.min(k, scales.length - 1) * n;
  const r1 = more(1);
  const r2 = more(2);
  const r3 = more(3);
  const s0 = scales[0]!;
  const s1 = scales[1] ?? 0;
  const s2 = scales[2] ?? 0;
  const s3 = scales[3] ?? 0;
  const end = start / n + Math.min(4, scales.length);
  for (let c = 0; c < end; c++)
    row[c]! -=
      s0 * inverse[start + c]! + s1 * inverse[r1 + c]! + s2 * inverse[r2 + c]! + s3 * inverse[r3 + c]!;
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
      g[row + j] = (g[row + j]! - inner(g, row, other, j)) / g[other + j]!;
      rest -= g[row + j]! * g[row + j]!;
    }
    if (!(rest > DEPENDENT * square)) continue;
    kept[i] = 1;
    g[row + i] = Math.sqrt(rest);
  }
  return kept;
}

/** The inner product of `length` numbers from two places on, in four sums that do not wait for each other. */
function inner(g: Float64Array, left: number, right: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let k = 0;
  for (; k + 3 < length; k += 4) {
    s0 += g[left + k]! * g[right + k]!;
    s1 += g[left + k + 1]! * g[right + k + 1]!;
    s2 += g[left + k + 2]! * g[right + k + 2]!;
    s3 += g[left + k + 3]! * g[right + k + 3]!;
  }
  for (; k < length; k++) s0 += g[left + k]! * g[right + k]!;
  return s0 + s1 + (s2 + s3);
}
