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
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly width: number;
  readonly from: number;
  readonly to: number;
}

/** Columns that go through the matrix together: a multiple of four. */
export const STRIP = 32;

/** Does a task strip by strip; the result does not depend on how columns are divided into tasks of whole strips. */
export function gramProduct({ matrix, x, y, width, from, to }: GramTask): null {
  const { rows, columns } = matrix;
  const input = new Float32Array(rows * STRIP);
  const middle = new Float32Array(columns * STRIP);
  const output = new Float32Array(rows * STRIP);
  for (let at = from; at < to; at += STRIP) {
    const strip = Math.min(STRIP, to - at);
    loadStrip(x, { width, at }, input);
    centre(input, rows);
    scatter(matrix, input, middle.fill(0));
    collect(matrix, middle, output.fill(0));
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

/** to[V, STRIP] += Aᵀ from[N, STRIP]. */
export function scatter(
  { rows, offsets, indices, values }: SparseRows,
  from: Float32Array,
  to: Float32Array,
): void {
  for (let row = 0; row < rows; row++) {
    const end = offsets[row + 1]!;
    for (let at = offsets[row]!; at < end; at++)
      addScaled(to, indices[at]! * STRIP, from, { start: row * STRIP, scale: values[at]! });
  }
}

/** to[N, STRIP] += A from[V, STRIP]. */
function collect({ rows, offsets, indices, values }: SparseRows, from: Float32Array, to: Float32Array): void {
  for (let row = 0; row < rows; row++) {
    const end = offsets[row + 1]!;
    for (let at = offsets[row]!; at < end; at++)
      addScaled(to, row * STRIP, from, { start: indices[at]! * STRIP, scale: values[at]! });
  }
}

interface Scaled {
  readonly start: number;
  readonly scale: number;
}

function addScaled(to: Float32Array, at: number, from: Float32Array, { start, scale }: Scaled): void {
  for (let c = 0; c < STRIP; c += 4) {
    to[at + c]! += scale * from[start + c]!;
    to[at + c + 1]! += scale * from[start + c + 1]!;
    to[at + c + 2]! += scale * from[start + c + 2]!;
    to[at + c + 3]! += scale * from[start + c + 3]!;
  }
}
