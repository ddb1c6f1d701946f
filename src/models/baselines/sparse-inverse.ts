/** @file The inverse of a large positive definite matrix, some of whose rows have few entries. */
import { type InverseOptions, invertPositive } from "./inverse.ts";

export interface SparseInverseOptions extends InverseOptions {
  /** A row of at most so many entries beside the diagonal is eliminated by itself; default a share of the size. */
  readonly few?: number;
  /** Awaited between pieces of long arithmetic. */
  readonly breathe?: (() => Promise<void>) | undefined;
}

/** Of the rows: with more entries a row costs more by itself than as a part of the matrix products. */
const FEW = 1 / 80;
/** Of the work, for the progress that is told. */
const DENSE_SHARE = 0.85;

/** A square matrix, row-major. */
interface Square {
  readonly values: Float32Array;
  readonly size: number;
}

/** A row that was eliminated: A[i, others] / A[i, i] as it was then. */
interface Eliminated {
  readonly row: number;
  readonly pivot: number;
  readonly others: Int32Array;
  readonly shares: Float64Array;
}

/**
 * Replaces a symmetric positive definite matrix [N, N], row-major, by its inverse, without a second matrix.
 *
 * Rows of few entries are eliminated first, the one of fewest each time (minimum degree; Tinney & Walker 1967), each
 * changing as many squared entries of the rest, which is then inverted by `invertPositive`. The inverse's rows of those
 * eliminated follow, last to first, as combinations of rows that are there (Takahashi, Fagan & Chin 1973).
 */
export async function invertSparse(
  values: Float32Array,
  size: number,
  { few = Math.floor(size * FEW), breathe, onProgress, ...options }: SparseInverseOptions,
): Promise<void> {
  const matrix = { values, size };
  const { eliminated, kept } = eliminate(matrix, few);
  await breathe?.();
  compact(matrix, kept);
  await invertPositive(values.subarray(0, kept.length ** 2), kept.length, {
    ...options,
    onProgress: (done) => onProgress?.(DENSE_SHARE * done),
  });
  expand(matrix, kept);
  for (const { row } of eliminated) values.fill(0, row * size, (row + 1) * size);
  const sums = new Float64Array(size);
  for (let at = eliminated.length - 1; at >= 0; at--) {
    restore(matrix, eliminated[at]!, sums);
    if (at % 16 > 0) continue;
    onProgress?.(1 - ((1 - DENSE_SHARE) * at) / eliminated.length);
    await breathe?.();
  }
}

/** Eliminates rows as long as one has few entries; the rows that are kept are in order. */
function eliminate(matrix: Square, few: number) {
  const degrees = degreesOf(matrix);
  const eliminated: Eliminated[] = [];
  const gone = matrix.size + 1; // a degree that no row has
  for (;;) {
    let row = 0;
    for (let i = 1; i < matrix.size; i++) if (degrees[i]! < degrees[row]!) row = i;
    if (!(degrees[row]! <= few)) break;
    const others = neighbours(matrix, row).filter((other) => degrees[other]! < gone);
    degrees[row] = gone;
    eliminated.push(eliminateRow(matrix, row, others, degrees));
  }
  const kept = Int32Array.from(degrees.keys()).filter((row) => degrees[row]! < gone);
  return { eliminated, kept };
}

/** The number of entries beside the diagonal of each row. */
function degreesOf({ values, size }: Square): Int32Array {
  const degrees = new Int32Array(size).fill(-1); // the diagonal is an entry
  for (let row = 0; row < size; row++)
    for (let at = row * size; at < (row + 1) * size; at++) if (values[at] !== 0) degrees[row]!++;
  return degrees;
}

function neighbours({ values, size }: Square, row: number): Int32Array {
  const found: number[] = [];
  for (let j = 0; j < size; j++) if (values[row * size + j] !== 0 && j !== row) found.push(j);
  return Int32Array.from(found);
}

/** Subtracts from the entries between a row's neighbours what goes through it. */
function eliminateRow(
  { values, size }: Square,
  row: number,
  others: Int32Array,
  degrees: Int32Array,
): Eliminated {
  const pivot = values[row * size + row]!;
  const entries = Float64Array.from(others, (other) => values[row * size + other]!);
  for (const [i, a] of others.entries()) {
    let added = -1; // the row itself is no neighbour any more
    for (let j = 0; j < others.length; j++) {
      const at = a * size + others[j]!;
      if (values[at] === 0) added++;
      values[at]! -= (entries[i]! * entries[j]!) / pivot;
    }
    degrees[a]! += added;
  }
  return { row, pivot, others, shares: entries.map((entry) => entry / pivot) };
}

/** Moves the entries of the kept rows and columns to the front, [n, n]; none goes to a place after its own. */
function compact({ values, size }: Square, kept: Int32Array): void {
  let to = 0;
  for (const row of kept) for (let j = 0; j < kept.length; j++) values[to++] = values[row * size + kept[j]!]!;
}

/** The other way round, last row first; columns that were eliminated are zero. */
function expand({ values, size }: Square, kept: Int32Array): void {
  const n = kept.length;
  for (let t = n - 1; t >= 0; t--) {
    const own = values.slice(t * n, (t + 1) * n);
    const start = kept[t]! * size;
    values.fill(0, start, start + size);
    for (let j = 0; j < n; j++) values[start + kept[j]!] = own[j]!;
  }
}

/** The inverse's row and column of an eliminated row, from those of its neighbours; `sums` [N] is to work in. */
function restore(
  { values, size }: Square,
  { row, pivot, others, shares }: Eliminated,
  sums: Float64Array,
): void {
  sums.fill(0);
  for (let at = 0; at < others.length; at += 4)
    subtractFour(sums, values, others.subarray(at, at + 4), shares.subarray(at, at + 4));
  let diagonal = 1 / pivot;
  for (const [i, other] of others.entries()) diagonal -= shares[i]! * sums[other]!;
  sums[row] = diagonal;
  values.set(sums, row * size);
  for (let j = 0; j < size; j++) values[j * size + row] = sums[j]!;
}

/** sums −= Σ shares · rows, of up to four rows of the matrix. */
function subtractFour(
  sums: Float64Array,
  values: Float32Array,
  rows: Int32Array,
  shares: Float64Array,
): void {
  const size = sums.length;
  const r0 = rows[0]! * size;
  const r1 = (rows[1] ?? rows[0]!) * size;
  const r2 = (rows[2] ?? rows[0]!) * size;
  const r3 = (rows[3] ?? rows[0]!) * size;
  const s0 = shares[0]!;
  const s1 = shares[1] ?? 0;
  const s2 = shares[2] ?? 0;
  const s3 = shares[3] ?? 0;
  for (let j = 0; j < size; j++)
    sums[j]! -= s0 * values[r0 + j]! + s1 * values[r1 + j]! + s2 * values[r2 + j]! + s3 * values[r3 + j]!;
}
