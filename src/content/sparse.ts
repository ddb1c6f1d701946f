/** @file Sparse rows, and their product with a narrow matrix, in threads that share the memory. */

/** A sparse matrix [N, V] by rows: row i has columns indices[offsets[i] … offsets[i + 1]) and their values. */
export interface SparseRows {
  readonly rows: number;
  readonly columns: number;
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float32Array;
}

/** Numbers in memory that threads share. */
export const sharedInts = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(4 * count));
export const sharedFloats = (count: number): Float32Array =>
  new Float32Array(new SharedArrayBuffer(4 * count));

/** Columns from … to of y = C A Aᵀ C x, where C takes from each column its mean; x and y are [N, width]. */
export interface GramTask {
  readonly matrix: SparseRows;
  /** `transposed` of it. */
  readonly turned: SparseRows;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

/** Columns that go through the matrix together: a multiple of eight. */
export const STRIP = 32;

/** Does a task strip by strip; the result does not depend on how columns are divided into tasks of whole strips. */
export function gramProduct({ matrix, turned, x, y, width, from, to }: GramTask): null {
  const { rows, columns } = matrix;
  const input = new Float32Array(rows * STRIP);
  const middle = new Float32Array(columns * STRIP);
  const output = new Float32Array(rows * STRIP);
  for (let at = from; at < to; at += STRIP) {
    const strip = Math.min(STRIP, to - at);
    loadStrip(x, { width, at }, input);
    centre(input, rows);
    sparseProduct(turned, input, middle);
    sparseProduct(matrix, middle, output);
    centre(output, rows);
    for (let row = 0; row < rows; row++)
      for (let c = 0; c < strip; c++) y[row * width + at + c] = output[row * STRIP + c]!;
  }
  return null;
}

/** strip [N, STRIP] ← the columns of x [N, width] from `at` on, and zeros where there are no more. */
export function loadStrip(
  x: Float32Array,
  { width, at }: { readonly width: number; readonly at: number },
  strip: Float32Array,
): void {
  const [rows, taken] = [x.length / width, Math.min(STRIP, width - at)];
  strip.fill(0);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < taken; c++) strip[row * STRIP + c] = x[row * width + at + c]!;
}

/** The mean [V] of the rows that have a value, and how many those are. */
export function meanRow({ rows, columns, offsets, indices, values }: SparseRows) {
  const mean = new Float64Array(columns);
  let count = 0;
  for (let row = 0; row < rows; row++) if (offsets[row + 1]! > offsets[row]!) count++;
  for (let at = 0; at < values.length; at++) mean[indices[at]!]! += values[at]! / count;
  return { mean, count };
}

/** Takes from each of the strip's columns its mean. */
function centre(strip: Float32Array, rows: number): void {
  const sums = new Float64Array(STRIP);
  for (let row = 0; row < rows; row++) for (let c = 0; c < STRIP; c++) sums[c]! += strip[row * STRIP + c]!;
  for (let c = 0; c < STRIP; c++) sums[c]! /= rows;
  for (let row = 0; row < rows; row++) for (let c = 0; c < STRIP; c++) strip[row * STRIP + c]! -= sums[c]!;
}

/** Aᵀ [V, N], in memory that threads share; the columns of a row are in order. */
export function transposed(matrix: SparseRows): SparseRows {
  const offsets = sharedInts(matrix.columns + 1);
  for (const column of matrix.indices) offsets[column + 1]!++;
  for (let column = 0; column < matrix.columns; column++) offsets[column + 1]! += offsets[column]!;
  const next = offsets.slice();
  const indices = sharedInts(matrix.indices.length);
  const values = sharedFloats(matrix.indices.length);
  for (let row = 0; row < matrix.rows; row++) {
    for (let at = matrix.offsets[row]!; at < matrix.offsets[row + 1]!; at++) {
      const to = next[matrix.indices[at]!]!++;
      indices[to] = row;
      values[to] = matrix.values[at]!;
    }
  }
  return { rows: matrix.columns, columns: matrix.rows, offsets, indices, values };
}

/** to[N, STRIP] = A from[V, STRIP], summed in float64, eight columns at a time since so many sums fit the registers. */
export function sparseProduct(
  { rows, offsets, indices, values }: SparseRows,
  from: Float32Array,
  to: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    const start = offsets[row]!;
    const end = offsets[row + 1]!;
    for (let c = 0; c < STRIP; c += 8) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let s4 = 0;
      let s5 = 0;
      let s6 = 0;
      let s7 = 0;
      for (let at = start; at < end; at++) {
        const scale = values[at]!;
        const other = indices[at]! * STRIP + c;
        s0 += scale * from[other]!;
        s1 += scale * from[other + 1]!;
        s2 += scale * from[other + 2]!;
        s3 += scale * from[other + 3]!;
        s4 += scale * from[other + 4]!;
        s5 += scale * from[other + 5]!;
        s6 += scale * from[other + 6]!;
        s7 += scale * from[other + 7]!;
      }
      const own = row * STRIP + c;
      to[own] = s0;
      to[own + 1] = s1;
      to[own + 2] = s2;
      to[own + 3] = s3;
      to[own + 4] = s4;
      to[own + 5] = s5;
      to[own + 6] = s6;
      to[own + 7] = s7;
    }
  }
}
