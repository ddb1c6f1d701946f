/**
 * @file Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder reduction to a tridiagonal matrix and
 * the implicit QL method with Wilkinson's shift (Golub & Van Loan, Matrix Computations, 8.3), laid out so that every
 * inner loop runs along a row and the rotations work on few columns at a time.
 */

/** Eigenvalues from large to small, and their vectors as the rows of a matrix. */
export interface Eigen {
  readonly values: Float64Array;
  /** [n, n]: row i is the unit eigenvector of value i. */
  readonly vectors: Float64Array;
}

/** Decomposes a symmetric matrix [n, n], of which only the lower half is read and which is destroyed; O(n³). */
export function symmetricEigen(matrix: Float64Array, n: number): Eigen {
  const { diagonal, off, scales } = tridiagonal(matrix, n);
  const basis = basisOf(matrix, scales, n);
  const rotations = diagonalize(diagonal, off, n, "vectors");
  for (let from = 0; from < n; from += COLUMNS) rotateColumns(basis, rotations, { n, from });
  return sorted(diagonal, basis, n);
}

/** The eigenvalues alone, from large to small, at a third of the cost. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, off } = tridiagonal(matrix, n);
  diagonalize(diagonal, off, n, "values");
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
  const product = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    diagonal[i] = a[i * n + i]!;
    const v = a.subarray(i * n, i * n + i);
    const { head, scale } = reflection(v);
    off[i - 1] = head;
    scales[i] = scale;
    if (scale !== 0) reflect(a, v, { n, scale, product });
  }
  if (n > 0) diagonal[0] = a[0]!;
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

interface Reflect {
  readonly n: number;
  readonly scale: number;
  readonly product: Float64Array;
}

/** A ← (I - s v vᵀ) A (I - s v vᵀ) on the leading block, of which only the lower half is kept. */
function reflect(a: Float64Array, v: Float64Array, { n, scale, product }: Reflect): void {
  const size = v.length;
  product.fill(0, 0, size);
  for (let r = 0; r < size; r++) {
    const row = r * n;
    const x = v[r]!;
    let sum = a[row + r]! * x;
    for (let c = 0; c < r; c++) {
      const entry = a[row + c]!;
      sum += entry * v[c]!;
      product[c]! += entry * x;
    }
    product[r] = sum;
  }
  let inner = 0;
  for (let r = 0; r < size; r++) inner += product[r]! * v[r]!;
  const half = (scale * inner) / 2;
  for (let r = 0; r < size; r++) product[r] = scale * (product[r]! - half * v[r]!);
  for (let r = 0; r < size; r++) {
    const x = v[r]!;
    const y = product[r]!;
    const row = r * n;
    for (let c = 0; c <= r; c++) a[row + c]! -= x * product[c]! + y * v[c]!;
  }
}

/** Qᵀ [n, n]: its rows are the basis in which the matrix is tridiagonal. */
function basisOf(a: Float64Array, scales: Float64Array, n: number): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  for (let from = 0; from < n; from += 4) reflectRows(a, scales, { n, q, from });
  return q;
}

interface Rows {
  readonly n: number;
  readonly q: Float64Array;
  readonly from: number;
}

/** Applies the reflections of rows i > r to rows r = from … from + 3 of q, which share each read of one. */
function reflectRows(a: Float64Array, scales: Float64Array, { n, q, from }: Rows): void {
  const rowOf = (more: number) => Math.min(from + more, n - 1) * n;
  const r0 = rowOf(0);
  const r1 = rowOf(1);
  const r2 = rowOf(2);
  const r3 = rowOf(3);
  const distinct = Math.min(4, n - from);
  for (let i = from + 1; i < n; i++) {
    const scale = scales[i]!;
    if (scale === 0) continue;
    const v = i * n;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let c = 0; c < i; c++) {
      const x = a[v + c]!;
      s0 += q[r0 + c]! * x;
      s1 += q[r1 + c]! * x;
      s2 += q[r2 + c]! * x;
      s3 += q[r3 + c]! * x;
    }
    s0 *= scale;
    s1 *= distinct > 1 ? scale : 0;
    s2 *= distinct > 2 ? scale : 0;
    s3 *= distinct > 3 ? scale : 0;
    for (let c = 0; c < i; c++) {
      const x = a[v + c]!;
      q[r0 + c]! -= s0 * x;
      q[r1 + c]! -= s1 * x;
      q[r2 + c]! -= s2 * x;
      q[r3 + c]! -= s3 * x;
    }
  }
}

/** Rotations of rows i and i + 1 in their order. */
interface Rotations {
  readonly rows: number[];
  readonly sines: number[];
  readonly cosines: number[];
}

const MOST_SWEEPS = 60;

/** QL sweeps until every off-diagonal entry is gone; the rotations are those that the vectors need. */
function diagonalize(d: Float64Array, e: Float64Array, n: number, wanted: "values" | "vectors"): Rotations {
  const rotations: Rotations = { rows: [], sines: [], cosines: [] };
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
      sweepOnce({ d, e, rotations: wanted === "vectors" ? rotations : undefined }, low, high);
    }
  }
  return rotations;
}

interface Problem {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly rotations: Rotations | undefined;
}

/** One implicit QL step on the unreduced block low … high. */
function sweepOnce({ d, e, rotations }: Problem, low: number, high: number): void {
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
    rotations?.rows.push(i);
    rotations?.sines.push(sine);
    rotations?.cosines.push(cosine);
  }
  d[low]! -= p;
  e[low] = g;
  e[high] = 0;
}

/** Columns that are rotated together: what they hold stays in the processor's cache. */
const COLUMNS = 64;

interface Columns {
  readonly n: number;
  readonly from: number;
}

function rotateColumns(basis: Float64Array, { rows, sines, cosines }: Rotations, { n, from }: Columns): void {
  const width = Math.min(COLUMNS, n - from);
  const block = new Float64Array(n * width);
  for (let r = 0; r < n; r++) block.set(basis.subarray(r * n + from, r * n + from + width), r * width);
  for (let at = 0; at < rows.length; at++) {
    const sine = sines[at]!;
    const cosine = cosines[at]!;
    const start = rows[at]! * width;
    for (let i = start; i < start + width; i++) {
      const x = block[i]!;
      const y = block[i + width]!;
      block[i + width] = sine * x + cosine * y;
      block[i] = cosine * x - sine * y;
    }
  }
  for (let r = 0; r < n; r++) basis.set(block.subarray(r * width, (r + 1) * width), r * n + from);
}

function sorted(values: Float64Array, vectors: Float64Array, n: number): Eigen {
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  const rows = new Float64Array(n * n);
  for (const [to, from] of order.entries()) rows.set(vectors.subarray(from * n, (from + 1) * n), to * n);
  return { values: Float64Array.from(order, (from) => values[from]!), vectors: rows };
}
