/**
 * @file Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder reduction to a tridiagonal matrix, its
 * values by the implicit QL method with Wilkinson's shift (Golub & Van Loan, Matrix Computations, 8.3), its vectors by
 * inverse iteration; every inner loop runs along a row.
 */

import { tridiagonalVectors } from "./inverse-iteration.ts";

/** Eigenvalues from large to small, and their vectors as the rows of a matrix. */
export interface Eigen {
  readonly values: Float64Array;
  /** [n, n]: row i is the unit eigenvector of value i. */
  readonly vectors: Float64Array;
}

/**
 * Decomposes a symmetric matrix [n, n], of which only the lower half is read and which is destroyed; O(n³). The vectors
 * are orthonormal but for 1e-10.
 */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const { diagonal, off, scales } = tridiagonal(matrix, n);
  const values = diagonal.slice();
  diagonalize(values, off.slice(), n);
  values.sort().reverse();
  const vectors = tridiagonalVectors({ diagonal, off }, values);
  turnBack(matrix, scales, vectors);
  return { values, vectors };
}

/** The eigenvalues alone, from large to small, at half the cost. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, off } = tridiagonal(matrix, n);
  diagonalize(diagonal, off, n);
  return diagonal.sort().reverse();
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** off[i] couples i and i + 1. */
  readonly off: Float64Array;
  /** 2 / |v|² of the reflection v kept in row i of the matrix, columns 0 … i - 1; 0 where there is none. */
  readonly scales: Float64Array;
}

/** Reflections that leave of row i = n - 1, n - 2, … only the entry beside the diagonal. */
function tridiagonal(a: Float64Array, n: number): Tridiagonal {
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  const scales = new Float64Array(n);
  const spare = [new Float64Array(n), new Float64Array(n)] as const;
  let before: Reflection = { v: new Float64Array(n), w: new Float64Array(n) };
  for (let i = n - 1; i > 0; i--) {
    const v = a.subarray(i * n, i * n + i);
    subtractPair(v, i, before);
    diagonal[i] = a[i * n + i]! - 2 * before.v[i]! * before.w[i]!;
    const { head, scale } = reflection(v);
    off[i - 1] = head;
    scales[i] = scale;
    const w = spare[i % 2]!;
    multiply(a, { n, v, w, before });
    finish(w, v, scale);
    before = { v, w };
  }
  if (n > 0) diagonal[0] = a[0]! - 2 * before.v[0]! * before.w[0]!;
  return { diagonal, off, scales };
}

/** Turns v into the reflection that maps it to a multiple of its last coordinate's axis, which is `head`. */
function reflection(v: Float64Array): { readonly head: number; readonly scale: number } {
  const last = v.length - 1;
  let rest = 0;
  for (let i = 0; i < last; i++) rest += v[i]! * v[i]!;
  const old = v[last]!;
  if (rest === 0) return { head: old, scale: 0 };
  const norm = Math.sqrt(old * old + rest);
  const head = old > 0 ? -norm : norm;
  v[last] = old - head;
  return { head, scale: 2 / (v[last] * v[last] + rest) };
}

/** What a reflection does to the rows before it: A ← A − v wᵀ − w vᵀ. */
interface Reflection {
  readonly v: Float64Array;
  readonly w: Float64Array;
}

/** Does so to the entries of row r before its diagonal. */
function subtractPair(row: Float64Array, r: number, { v, w }: Reflection): void {
  const x = v[r]!;
  const y = w[r]!;
  for (let c = 0; c < r; c++) row[c]! -= x * w[c]! + y * v[c]!;
}

interface Multiply {
  readonly n: number;
  readonly v: Float64Array;
  readonly w: Float64Array;
  readonly before: Reflection;
}

/**
 * w = A v on the leading block, of which only the lower half is there, after the reflection before was done to it; two
 * rows at a time, so that one pass over the memory does for both.
 */
function multiply(a: Float64Array, { n, v, w, before }: Multiply): void {
  const { v: v0, w: w0 } = before;
  const size = v.length;
  for (let r = 0; r < size; r += 2) {
    const two = Number(r + 1 < size);
    const row = r * n;
    const next = (r + two) * n;
    const x = v[r]!;
    const x0 = v0[r]!;
    const y0 = w0[r]!;
    const nx = two * v[r + two]!;
    const nx0 = two * v0[r + two]!;
    const ny0 = two * w0[r + two]!;
    let sum = 0;
    let nextSum = 0;
    for (let c = 0; c < r; c++) {
      const vc = v[c]!;
      const v0c = v0[c]!;
      const w0c = w0[c]!;
      const entry = a[row + c]! - (x0 * w0c + y0 * v0c);
      a[row + c] = entry;
      const below = a[next + c]! - (nx0 * w0c + ny0 * v0c);
      a[next + c] = below;
      sum += entry * vc;
      nextSum += below * vc;
      w[c]! += entry * x + below * nx;
    }
    a[row + r]! -= 2 * x0 * y0;
    w[r] = sum + a[row + r]! * x;
    if (two === 0) continue;
    a[next + r]! -= nx0 * w0[r]! + ny0 * v0[r]!;
    a[next + r + 1]! -= 2 * nx0 * ny0;
    w[r]! += a[next + r]! * nx;
    w[r + 1] = nextSum + a[next + r]! * x + a[next + r + 1]! * nx;
  }
}

/** From A v to w of the reflection I - s v vᵀ: s (A v - s/2 (vᵀ A v) v). */
function finish(w: Float64Array, v: Float64Array, scale: number): void {
  let inner = 0;
  for (let r = 0; r < v.length; r++) inner += w[r]! * v[r]!;
  const half = (scale * inner) / 2;
  for (let r = 0; r < v.length; r++) w[r] = scale * (w[r]! - half * v[r]!);
}

/** Reflections, an even number, that stay in the processor's cache while they are applied to all rows. */
const TOGETHER = 16;

/** Rows z of the basis in which the matrix is tridiagonal → rows of that in which it was given. */
function turnBack(a: Float64Array, scales: Float64Array, z: Float64Array): void {
  const n = scales.length;
  const inner = new Float64Array(n);
  for (let i = 1; i + 1 < n; i += 2)
    for (let c = 0; c < i; c++) inner[i]! += a[i * n + c]! * a[(i + 1) * n + c]!;
  for (let first = 1; first < n; first += TOGETHER)
    for (let from = 0; from < n; from += 2) reflectRows(a, { scales, inner, z, from, first });
}

interface Rows {
  readonly scales: Float64Array;
  /** [i]: the inner product of reflections i and i + 1. */
  readonly inner: Float64Array;
  readonly z: Float64Array;
  readonly from: number;
  readonly first: number;
}

/** Applies the reflections from `first` on, two by two, to rows from and from + 1 of z. */
function reflectRows(a: Float64Array, { scales, inner, z, from, first }: Rows): void {
  const n = scales.length;
  const two = Number(from + 1 < n);
  const r0 = from * n;
  const r1 = (from + two) * n;
  const end = Math.min(first + TOGETHER, n);
  for (let i = first; i < end; i += 2) {
    const v = i * n;
    const u = Math.min(i + 1, n - 1) * n;
    const next = i + 1 < n ? scales[i + 1]! : 0;
    let v0 = 0;
    let v1 = 0;
    let u0 = 0;
    let u1 = 0;
    for (let c = 0; c < i; c++) {
      const x = a[v + c]!;
      const y = a[u + c]!;
      const z0 = z[r0 + c]!;
      const z1 = z[r1 + c]!;
      v0 += z0 * x;
      v1 += z1 * x;
      u0 += z0 * y;
      u1 += z1 * y;
    }
    const last = next === 0 ? 0 : a[u + i]!;
    v0 *= scales[i]!;
    v1 *= scales[i]! * two;
    u0 = next * (u0 + last * z[r0 + i]! - inner[i]! * v0);
    u1 = next * (u1 + last * z[r1 + i]! - inner[i]! * v1) * two;
    for (let c = 0; c < i; c++) {
      const x = a[v + c]!;
      const y = a[u + c]!;
      z[r0 + c]! -= v0 * x + u0 * y;
      z[r1 + c]! -= v1 * x + u1 * y;
    }
    z[r0 + i]! -= u0 * last;
    z[r1 + i]! -= u1 * last;
  }
}

const MOST_SWEEPS = 60;

/** QL sweeps until every off-diagonal entry is gone: d becomes the eigenvalues, e is destroyed. */
function diagonalize(d: Float64Array, e: Float64Array, n: number): void {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(d[i]!), Math.abs(e[i]!));
  const rounding = Number.EPSILON * largest; // where the entries around are zero but for that
  for (let low = 0; low < n; low++) {
    for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
      let high = low;
      while (high < n - 1) {
        const scale = Math.max(rounding, Math.abs(d[high]!) + Math.abs(d[high + 1]!));
        if (Math.abs(e[high]!) <= Number.EPSILON * scale) break;
        high++;
      }
      if (high === low) break;
      sweepOnce(d, e, low, high);
    }
  }
}

/** One implicit QL step on the unreduced block low … high. */
function sweepOnce(d: Float64Array, e: Float64Array, low: number, high: number): void {
  let g = (d[low + 1]! - d[low]!) / (2 * e[low]!);
  let r = Math.hypot(g, 1);
  g = d[high]! - d[low]! + e[low]! / (g + (g < 0 ? -r : r));
  let [sine, cosine, p] = [1, 1, 0];
  for (let i = high - 1; i >= low; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    r = Math.sqrt(f * f + g * g);
    e[i + 1] = r;
    if (r === 0) {
      d[i + 1]! -= p;
      e[high] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1]! - p;
    r = (d[i]! - g) * sine + 2 * cosine * b;
    p = sine * r;
    d[i + 1] = g + p;
    g = cosine * r - b;
  }
  d[low]! -= p;
  e[low] = g;
  e[high] = 0;
}
