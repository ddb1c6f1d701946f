/** @file The vector of a history in a factorisation whose item vectors stay as they are. */
import type { Tensor } from "../../tensor/spec.ts";
import { addProducts, addRows } from "./rows.ts";

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
  /** Mean of the vectors, and of their squared lengths. */
  readonly mean: Float64Array;
  readonly squares: number;
}

/**
 * Gives the vector p that BPR itself would give to somebody with a history, were the item vectors q and biases b fixed: it
 * maximises the mean over pairs (i met, j not met) of ln σ(b_i − b_j + p·(q_i − q_j)) less λ/2·|p|², a concave function.
 * Ascent from zero with Nesterov's momentum, with steps of one over the bound of the curvature. History: int32 [L] → [D].
 */
export function foldIn(model: FoldIn): (history: Int32Array) => Float32Array {
  const { items, bias, regularization, iterations } = model;
  const width = items.shape[1]!;
  const against = [...(model.against.data as Int32Array)];
  const standIns = rowsOf(against, items, bias); // of nearly all histories none was met
  return (history) => {
    const met = new Set(history);
    const other = against.filter((item) => !met.has(item));
    const own = rowsOf([...met], items, bias);
    const others = other.length === against.length ? standIns : rowsOf(other, items, bias);
    const vector = new Float32Array(width);
    if (own.count === 0 || others.count === 0) return vector;
    const slopeAt = slopeOver(own, others);
    const ahead = new Float32Array(width); // where the slope is taken
    const step = 1 / (curvature(own, others) + regularization);
    for (let iteration = 0; iteration < iterations; iteration++) {
      const slope = slopeAt(ahead);
      const momentum = iteration / (iteration + 3);
      for (let c = 0; c < width; c++) {
        const next = ahead[c]! + step * (slope[c]! - regularization * ahead[c]!);
        ahead[c] = next + momentum * (next - vector[c]!);
        vector[c] = next;
      }
    }
    return vector;
  };
}

function rowsOf(list: readonly number[], items: Tensor, bias: Tensor): Rows {
  const [width, count] = [items.shape[1]!, list.length];
  const vectors = new Float32Array(count * width);
  const table = items.data as Float32Array;
  const mean = new Float64Array(width);
  let squares = 0;
  for (const [k, item] of list.entries()) {
    for (let c = 0; c < width; c++) {
      const value = table[item * width + c]!;
      vectors[k * width + c] = value;
      mean[c]! += value / count;
      squares += (value * value) / count;
    }
  }
  const biases = bias.data as Float32Array;
  return { count, vectors, bias: Float32Array.from(list, (item) => biases[item]!), mean, squares };
}

/** What bounds the curvature: ¼ of the mean of |q_i − q_j|² over all pairs. */
function curvature(own: Rows, others: Rows): number {
  const product = own.mean.reduce((sum, v, c) => sum + v * others.mean[c]!, 0);
  return 0.25 * (own.squares + others.squares - 2 * product);
}

/** The slope of the mean over pairs at a vector: each item met is paired with the next few that were not. */
function slopeOver(own: Rows, others: Rows): (vector: Float32Array) => Float32Array {
  const each = Math.min(others.count, Math.ceil(pairsInAll / own.count));
  const share = 1 / (own.count * each);
  const [scores, opposed] = [own, others].map(({ count }) => new Float64Array(count)) as [
    Float64Array,
    Float64Array,
  ];
  return (vector) => {
    odds([own, others], vector, [scores, opposed]);
    const [weights, opposite] = [new Float64Array(own.count), new Float64Array(others.count)];
    for (let i = 0, j = 0; i < own.count; i++) {
      const score = scores[i]!;
      let sum = 0;
      for (let k = 0; k < each; k++) {
        const weight = (share * opposed[j]!) / (opposed[j]! + score); // of a pair: σ(x_j − x_i)
        sum += weight;
        opposite[j]! -= weight;
        if (++j === others.count) j = 0;
      }
      weights[i] = sum;
    }
    const slope = new Float32Array(vector.length);
    addRows(slope, own.vectors, weights);
    addRows(slope, others.vectors, opposite);
    return slope;
  };
}

/** What odds never fall below: scores that lie further below the largest than any do count as equal. */
const LEAST = 1e-300;

/** exp(x − the largest x) for the scores x of all rows at a vector. */
function odds(
  all: readonly [Rows, Rows],
  vector: Float32Array,
  into: readonly [Float64Array, Float64Array],
): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (const [k, { bias, vectors }] of all.entries()) {
    const scores = into[k]!;
    const x = bias.slice();
    addProducts(vector, vectors, x);
    for (let row = 0; row < x.length; row++) {
      scores[row] = x[row]!;
      if (x[row]! > largest) largest = x[row]!;
    }
  }
  for (const scores of into)
    for (let row = 0; row < scores.length; row++) scores[row] = Math.exp(scores[row]! - largest) + LEAST;
}
