/** @file The vector of a history in a factorisation whose item vectors stay as they are. */
import type { Tensor } from "../../tensor/spec.ts";

export interface FoldIn {
  /** Item vectors [N, D] and biases [N]. */
  readonly items: Tensor;
  readonly bias: Tensor;
  /** Items that stand for those that were not met: int32 [S]. */
  readonly against: Tensor;
  /** λ of the objective. */
  readonly regularization: number;
  /** Steps of ascent. */
  readonly iterations: number;
}

/** Pairs of an item that was met and one that was not, about so many in all. */
const pairsInAll = 1000;

/** Vectors of a few items laid end to end, with their biases. */
interface Rows {
  readonly count: number;
  readonly vectors: Float32Array;
  readonly bias: Float32Array;
}

/**
 * The vector p that BPR itself would give to somebody with this history, were the item vectors q and biases b fixed: it
 * maximises the mean over pairs (i met, j not met) of ln σ(b_i − b_j + p·(q_i − q_j)) less λ/2·|p|², a concave function.
 * Ascent from zero with Nesterov's momentum, with steps of one over the bound of the curvature. History: int32 [L] → [D].
 */
export function foldIn(history: Int32Array, options: FoldIn): Float32Array {
  const { items, bias, against, regularization, iterations } = options;
  const width = items.shape[1]!;
  const met = [...new Set(history)];
  const other = [...(against.data as Int32Array)].filter((item) => !met.includes(item));
  const [own, others] = [met, other].map((list) => rowsOf(list, items, bias)) as [Rows, Rows];
  const vector = new Float32Array(width);
  if (own.count === 0 || others.count === 0) return vector;
  const ahead = new Float32Array(width); // where the slope is taken
  const step = 1 / (curvature(own, others, width) + regularization);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const slope = slopeAt(ahead, own, others);
    const momentum = iteration / (iteration + 3);
    for (let c = 0; c < width; c++) {
      const next = ahead[c]! + step * (slope[c]! - regularization * ahead[c]!);
      ahead[c] = next + momentum * (next - vector[c]!);
      vector[c] = next;
    }
  }
  return vector;
}

function rowsOf(list: readonly number[], items: Tensor, bias: Tensor): Rows {
  const width = items.shape[1]!;
  const vectors = new Float32Array(list.length * width);
  const table = items.data as Float32Array;
  list.forEach((item, k) => {
    vectors.set(table.subarray(item * width, (item + 1) * width), k * width);
  });
  return {
    count: list.length,
    vectors,
    bias: Float32Array.from(list, (item) => (bias.data as Float32Array)[item]!),
  };
}

/** What bounds the curvature: ¼ of the mean of |q_i − q_j|² over all pairs. */
function curvature(own: Rows, others: Rows, width: number): number {
  const [a, b] = [own, others].map(({ count, vectors }) => {
    const mean = new Float64Array(width);
    let squares = 0;
    vectors.forEach((v, k) => {
      mean[k % width]! += v / count;
      squares += (v * v) / count;
    });
    return { mean, squares };
  });
  const product = a!.mean.reduce((sum, v, c) => sum + v * b!.mean[c]!, 0);
  return 0.25 * (a!.squares + b!.squares - 2 * product);
}

/** Slope of the mean over pairs at a vector: each item met is paired with the next few that were not. */
function slopeAt(vector: Float32Array, own: Rows, others: Rows): Float32Array {
  const [scores, opposed] = [own, others].map((rows) => scoresOf(vector, rows)) as [
    Float32Array,
    Float32Array,
  ];
  const each = Math.min(others.count, Math.ceil(pairsInAll / own.count));
  const [share, weights, opposite] = [
    1 / (own.count * each),
    new Float32Array(own.count),
    new Float32Array(others.count),
  ];
  for (let i = 0, j = 0; i < own.count; i++) {
    for (let k = 0; k < each; k++, j = (j + 1) % others.count) {
      const weight = share / (1 + Math.exp(scores[i]! - opposed[j]!));
      weights[i]! += weight;
      opposite[j]! -= weight;
    }
  }
  const slope = new Float32Array(vector.length);
  addRows(slope, own, weights);
  addRows(slope, others, opposite);
  return slope;
}

function scoresOf(vector: Float32Array, { count, vectors, bias }: Rows): Float32Array {
  const scores = bias.slice();
  for (let k = 0; k < count; k++) scores[k]! += dotRow(vector, vectors, k * vector.length);
  return scores;
}

/** The product with the row that starts at a place. */
export function dotRow(vector: Float32Array, rows: Float32Array, at: number): number {
  let sum = 0;
  for (let c = 0; c < vector.length; c++) sum += vector[c]! * rows[at + c]!;
  return sum;
}

/** Adds Σ weight · row. */
function addRows(sum: Float32Array, { count, vectors }: Rows, weights: Float32Array): void {
  const width = sum.length;
  for (let k = 0; k < count; k++)
    for (let c = 0; c < width; c++) sum[c]! += weights[k]! * vectors[k * width + c]!;
}
