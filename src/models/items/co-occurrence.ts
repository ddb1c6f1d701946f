/** @file Item vectors from which items stand near each other in histories: a start for learned tables. */
import type { Sequences } from "../../data/sequences.ts";
import { stream } from "../../tensor/random.ts";

export interface CoOccurrenceOptions {
  readonly sequences: Sequences;
  /** N, the number of items. */
  readonly count: number;
  /** Width of the vectors. */
  readonly dim: number;
  /** Items at most so many places apart count as a pair, with weight 1 / distance. */
  readonly window: number;
  readonly seed: number;
}

/** Symmetric sparse matrix by rows. */
interface Sparse {
  readonly offsets: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
}

/** Vectors of some items. */
export interface ItemVectors {
  /** The items that have one, ascending. */
  readonly items: Int32Array;
  /** Row-major, one row for each of them. */
  readonly vectors: Float32Array;
}

/** More pairs than this are thinned out by taking fewer histories; 2²⁴ pairs take about 500 MB while they are counted. */
const mostPairs = 2 ** 24;
/** Elements of a matrix of vectors: where items are more, the most frequent have vectors. 2²⁴ are 209,715 items of width 64. */
const mostElements = 2 ** 24;
/** Extra directions and passes that make the random projection of Halko et al. accurate. */
const [oversampling, passes] = [16, 4];

/**
 * Row vectors U·√Σ of the truncated eigendecomposition of the positive pointwise mutual information between items of the
 * same history; items without neighbours are zero. In catalogues too large for that, only the most frequent items count.
 *
 * Source: Levy & Goldberg 2014 (PPMI factorisation as word vectors), with the randomised range finder of Halko,
 * Martinsson & Tropp 2011, arXiv:0909.4061.
 */
export function coOccurrenceVectors(options: CoOccurrenceOptions, elements = mostElements): ItemVectors {
  const { count, dim } = options;
  const items = frequentItems(options, Math.floor(elements / (dim + oversampling)));
  if (items.length === count) return { items, vectors: factorised(options) };
  const numbers = new Int32Array(count).fill(-1);
  items.forEach((item, k) => {
    numbers[item] = k;
  });
  const { offsets, sequence } = options.sequences;
  const sequences = { offsets, sequence: sequence.map((item) => numbers[item]!) };
  return { items, vectors: factorised({ ...options, sequences, count: items.length }) };
}

/** The items of a catalogue that occur most often, earlier ones first where equally often; ascending. */
function frequentItems({ sequences, count }: CoOccurrenceOptions, most: number): Int32Array {
  const all = Int32Array.from({ length: count }, (_, i) => i);
  if (count <= most) return all;
  const counts = new Int32Array(count);
  for (const item of sequences.sequence) counts[item]!++;
  return all
    .sort((a, b) => counts[b]! - counts[a]! || a - b)
    .slice(0, most)
    .sort();
}

/** Vectors of all items; −1 in a sequence is an item that does not count. */
function factorised(options: CoOccurrenceOptions): Float32Array {
  const { count, dim, seed } = options;
  const matrix = positiveInformation(countPairs(options), count);
  const width = Math.min(count, dim + oversampling);
  const noise = new Float32Array(count * width);
  stream(seed, "co-occurrence").fillNormal(noise);
  let basis = orthonormal(noise, width);
  for (let pass = 0; pass < passes; pass++) basis = orthonormal(multiply(matrix, basis, width), width);
  const { values, vectors } = symmetricEigen(gram(basis, multiply(matrix, basis, width), width), width);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]!);
  const rotation = new Float64Array(width * dim); // the leading eigenvectors, each times √λ
  order.slice(0, dim).forEach((from, c) => {
    for (let k = 0; k < width; k++)
      rotation[k * dim + c] = vectors[k * width + from]! * Math.sqrt(Math.max(0, values[from]!));
  });
  return timesSmall(basis, rotation, width);
}

/** Pairs of items as sorted keys row · N + column with row < column, and the weight of each. */
interface Pairs {
  readonly keys: Float64Array;
  readonly weights: Float64Array;
}

/** Weighted pairs, with repeated ones added up. */
function countPairs({ sequences: { offsets, sequence }, count, window, seed }: CoOccurrenceOptions): Pairs {
  const histories = offsets.length - 1;
  const most = sequence.length * window;
  const keep = Math.min(1, mostPairs / Math.max(1, most));
  const random = stream(seed, "co-occurrence", "histories");
  const pairs = new Float64Array(Math.min(most, Math.ceil(mostPairs * 1.1)));
  let size = 0;
  for (let h = 0; h < histories; h++) {
    if (keep < 1 && random.uniform() >= keep) continue;
    for (let i = offsets[h]!; i < offsets[h + 1]!; i++) {
      const end = Math.min(offsets[h + 1]!, i + window + 1);
      for (let j = i + 1; j < end && size < pairs.length; j++) {
        const [a, b] = [sequence[i]!, sequence[j]!];
        if (a === b || a < 0 || b < 0) continue;
        // The distance rides in the fraction of the key, so that one sort brings equal pairs together.
        pairs[size++] = Math.min(a, b) * count + Math.max(a, b) + (j - i) / (window + 1) / 2;
      }
    }
  }
  return addUp(pairs.subarray(0, size).sort(), window);
}

/** Adds up the weights of equal pairs; the keys take the place of the pairs. */
function addUp(pairs: Float64Array, window: number): Pairs {
  const weights = new Float64Array(pairs.length);
  let size = 0;
  for (const pair of pairs) {
    const key = Math.floor(pair);
    const weight = 1 / Math.round((pair - key) * 2 * (window + 1));
    if (size === 0 || pairs[size - 1] !== key) pairs[size++] = key;
    weights[size - 1] = weights[size - 1]! + weight;
  }
  return { keys: pairs.subarray(0, size), weights: weights.subarray(0, size) };
}

/** max(0, log(w_ij · W / (w_i · w_j))) as a symmetric matrix. */
function positiveInformation({ keys, weights }: Pairs, count: number): Sparse {
  const totals = new Float64Array(count);
  let total = 0;
  keys.forEach((key, k) => {
    const [a, b] = [Math.floor(key / count), key % count];
    totals[a]! += weights[k]!;
    totals[b]! += weights[k]!;
    total += 2 * weights[k]!;
  });
  const information = (key: number, k: number): number =>
    Math.log((weights[k]! * total) / (totals[Math.floor(key / count)]! * totals[key % count]!));
  const offsets = new Int32Array(count + 1);
  keys.forEach((key, k) => {
    if (information(key, k) <= 0) return;
    offsets[Math.floor(key / count) + 1]!++;
    offsets[(key % count) + 1]!++;
  });
  for (let i = 0; i < count; i++) offsets[i + 1]! += offsets[i]!;
  const next = offsets.slice(0, count);
  const columns = new Int32Array(offsets[count]!);
  const values = new Float32Array(offsets[count]!);
  keys.forEach((key, k) => {
    const value = information(key, k);
    if (value <= 0) return;
    const [a, b] = [Math.floor(key / count), key % count];
    for (const [row, column] of [
      [a, b],
      [b, a],
    ] as const) {
      const at = next[row]!++;
      columns[at] = column;
      values[at] = value;
    }
  });
  return { offsets, columns, values };
}

/** Matrix times dense [N, width]. */
function multiply(
  { offsets, columns, values }: Sparse,
  dense: Float32Array,
  width: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(dense.length);
  for (let row = 0; row < offsets.length - 1; row++) {
    for (let k = offsets[row]!; k < offsets[row + 1]!; k++) {
      const from = columns[k]! * width;
      const value = values[k]!;
      for (let c = 0; c < width; c++) out[row * width + c] = out[row * width + c]! + value * dense[from + c]!;
    }
  }
  return out;
}

/** The same column space with orthonormal columns: x·V·Λ^(−1/2) of xᵀx = VΛVᵀ; columns without substance become zero. */
function orthonormal(x: Float32Array, width: number): Float32Array {
  const { values, vectors } = symmetricEigen(gram(x, x, width), width);
  const floor = 1e-10 * Math.max(...values);
  const small = vectors.map((v, i) => (values[i % width]! > floor ? v / Math.sqrt(values[i % width]!) : 0));
  return timesSmall(x, small, width);
}

/** [N, width] · [width, W] → [N, W]. */
function timesSmall(x: Float32Array, small: Float64Array, width: number): Float32Array {
  const out = small.length / width;
  const rows = x.length / width;
  const result = new Float32Array(rows * out);
  const row = new Float64Array(out);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let k = 0; k < width; k++) {
      const value = x[i * width + k]!;
      for (let c = 0; c < out; c++) row[c]! += value * small[k * out + c]!;
    }
    result.set(row, i * out);
  }
  return result;
}

/** aᵀ·b of two [N, width] matrices. */
function gram(a: Float32Array, b: Float32Array, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let i = 0; i < a.length; i += width) {
    for (let p = 0; p < width; p++) {
      const value = a[i + p]!;
      for (let c = 0; c < width; c++) out[p * width + c]! += value * b[i + c]!;
    }
  }
  return out;
}

/** Eigenvalues and eigenvectors (columns) of a small symmetric matrix by cyclic Jacobi rotations. */
export function symmetricEigen(
  matrix: Float64Array,
  n: number,
): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const rotate = (x: Float64Array, i: number, j: number, c: number, s: number): void => {
    const [u, v] = [x[i]!, x[j]!];
    x[i] = c * u - s * v;
    x[j] = s * u + c * v;
  };
  const size = matrix.reduce((total, v) => total + v * v, 0);
  for (let sweep = 0; sweep < 30; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p * n + q]! ** 2;
    if (off <= 1e-24 * size) break;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p * n + q] === 0) continue;
        const angle = 0.5 * Math.atan2(2 * a[p * n + q]!, a[q * n + q]! - a[p * n + p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < n; k++) rotate(a, k * n + p, k * n + q, c, s);
        for (let k = 0; k < n; k++) rotate(a, p * n + k, q * n + k, c, s);
        for (let k = 0; k < n; k++) rotate(vectors, k * n + p, k * n + q, c, s);
      }
    }
  }
  return { values: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), vectors };
}
