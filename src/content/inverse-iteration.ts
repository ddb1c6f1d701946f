/**
 * @file Eigenvectors of a symmetric tridiagonal matrix whose eigenvalues are known, by inverse iteration (Golub & Van Loan,
 * Matrix Computations, 8.2.2; as LAPACK's dstein does it, but each vector is made orthogonal to those of near values
 * alone, since the others are so by themselves).
 */

import { type Stream, stream } from "../tensor/random.ts";

/** T: off[i] couples i and i + 1. */
export interface TridiagonalMatrix {
  readonly diagonal: Float64Array;
  readonly off: Float64Array;
}

/** Values that are nearer than this share of the largest have their vectors made orthogonal. */
const NEAR = 1e-5;
/** One is enough as a rule. */
const ROUNDS = 2;
const MOST_STARTS = 5;

/** The unit vectors [n, n] of eigenvalues in their order, which is large to small. */
export function tridiagonalVectors(matrix: TridiagonalMatrix, values: Float64Array): Float64Array {
  const n = values.length;
  const vectors = new Float64Array(n * n);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const random = stream(1, "inverse iteration");
  const factors = factorsOf(n);
  let near = 0;
  for (let k = 0; k < n; k++) {
    while (values[near]! - values[k]! > NEAR * largest) near++;
    const vector = vectors.subarray(k * n, (k + 1) * n);
    factorize(matrix, values[k]!, Number.EPSILON * (largest || 1), factors);
    const before = vectors.subarray(near * n, k * n);
    for (let start = 0; start < MOST_STARTS; start++) {
      drawn(vector, random);
      if (refined(vector, factors, before)) break;
    }
  }
  return vectors;
}

function drawn(vector: Float64Array, random: Stream): void {
  for (let i = 0; i < vector.length; i++) vector[i] = random.uniform() - 0.5;
}

/** Iterates; false where nothing is left beside the vectors before, which a start had hardly anything beside. */
function refined(vector: Float64Array, factors: Factors, before: Float64Array): boolean {
  for (let round = 0; round < ROUNDS; round++) {
    solve(factors, vector);
    if (!normalized(vector, 0)) return false;
    for (let from = 0; from < before.length; from += 4 * vector.length) removeShares(vector, before, from);
    if (!normalized(vector, 1e-8)) return false;
  }
  return true;
}

/** To length 1; false where it is not longer than `least`. */
function normalized(vector: Float64Array, least: number): boolean {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!));
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += (vector[i]! / largest) ** 2;
  const length = Math.sqrt(squares) * largest;
  if (!(length > least)) return false;
  for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return true;
}

/** Makes a vector orthogonal to four orthonormal ones from a place on, or to as many as there are. */
function removeShares(vector: Float64Array, others: Float64Array, from: number): void {
  const n = vector.length;
  const last = others.length - n;
  const r1 = Math.min(from + n, last);
  const r2 = Math.min(from + 2 * n, last);
  const r3 = Math.min(from + 3 * n, last);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < n; i++) {
    const x = vector[i]!;
    s0 += x * others[from + i]!;
    s1 += x * others[r1 + i]!;
    s2 += x * others[r2 + i]!;
    s3 += x * others[r3 + i]!;
  }
  if (r1 === from) s1 = 0;
  if (r2 === r1) s2 = 0;
  if (r3 === r2) s3 = 0;
  for (let i = 0; i < n; i++)
    vector[i]! -= s0 * others[from + i]! + s1 * others[r1 + i]! + s2 * others[r2 + i]! + s3 * others[r3 + i]!;
}

/** P (T − λ) = L U with row exchanges: U has three diagonals. */
interface Factors {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly third: Float64Array;
  readonly multipliers: Float64Array;
  readonly exchanged: Uint8Array;
}

const factorsOf = (n: number): Factors => ({
  first: new Float64Array(n),
  second: new Float64Array(n),
  third: new Float64Array(n),
  multipliers: new Float64Array(n),
  exchanged: new Uint8Array(n),
});

/** A pivot that is smaller than `tiny` is taken for that. */
function factorize(
  { diagonal, off }: TridiagonalMatrix,
  shift: number,
  tiny: number,
  factors: Factors,
): void {
  const { first, second, third, multipliers, exchanged } = factors;
  const n = diagonal.length;
  let head = n > 0 ? diagonal[0]! - shift : 0;
  let next = n > 1 ? off[0]! : 0;
  for (let i = 0; i < n - 1; i++) {
    const below = off[i]!;
    const middle = diagonal[i + 1]! - shift;
    const right = i + 2 < n ? off[i + 1]! : 0;
    const swap = Math.abs(below) > Math.abs(head);
    exchanged[i] = Number(swap);
    first[i] = swap ? below : head;
    if (Math.abs(first[i]!) < tiny) first[i] = tiny;
    const scale = (swap ? head : below) / first[i]!;
    multipliers[i] = scale;
    second[i] = swap ? middle : next;
    third[i] = swap ? right : 0;
    head = swap ? next - scale * middle : middle - scale * next;
    next = swap ? -scale * right : right;
  }
  if (n > 0) first[n - 1] = Math.abs(head) < tiny ? tiny : head;
}

/** x ← (T − λ)⁻¹ x. */
function solve({ first, second, third, multipliers, exchanged }: Factors, x: Float64Array): void {
  const n = x.length;
  for (let i = 0; i < n - 1; i++) {
    const here = x[i]!;
    const below = x[i + 1]!;
    x[i] = exchanged[i] ? below : here;
    x[i + 1] = (exchanged[i] ? here : below) - multipliers[i]! * x[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    if (i + 1 < n) sum -= second[i]! * x[i + 1]!;
    if (i + 2 < n) sum -= third[i]! * x[i + 2]!;
    x[i] = sum / first[i]!;
  }
}
