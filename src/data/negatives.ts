/** @file Negatives: items drawn for a step that stand for the whole catalogue. */
import { stream } from "../tensor/random.ts";

export interface NegativeOptions {
  /** N, the number of items. */
  readonly items: number;
  /** Items drawn for each step, with replacement. */
  readonly draws: number;
  /** Interactions of each item. */
  readonly counts: Int32Array;
  /** Items are drawn in proportion to (interactions + 1) to this power: 0 draws all alike. */
  readonly power: number;
  readonly seed: number;
}

/** What is drawn for one step. */
export interface Negatives {
  readonly items: Int32Array;
  /** log(1 / (draws · q)) for each, where q is its probability: with it, sums over draws estimate sums over all items. */
  readonly correction: Float32Array;
}

/** Draws the negatives of a step: a pure function of the options and the step. The arrays are filled anew by each call. */
export function negativeSampler(options: NegativeOptions): (step: number) => Negatives {
  const { items, draws, power, seed } = options;
  const drawn = { items: new Int32Array(draws), correction: new Float32Array(draws) };
  if (power === 0) {
    drawn.correction.fill(Math.log(items / draws));
    return (step) => {
      const random = stream(seed, "negatives", step);
      for (let k = 0; k < draws; k++) drawn.items[k] = random.below(items);
      return drawn;
    };
  }
  const sums = cumulated(options);
  const total = sums[items - 1]!;
  return (step) => {
    const random = stream(seed, "negatives", step);
    for (let k = 0; k < draws; k++) {
      const item = firstAbove(sums, random.uniform() * total);
      const share = (sums[item]! - (sums[item - 1] ?? 0)) / total;
      drawn.items[k] = item;
      drawn.correction[k] = -Math.log(draws * share);
    }
    return drawn;
  };
}

/** Running sums of the items' weights. */
function cumulated({ items, counts, power }: NegativeOptions): Float64Array {
  const sums = new Float64Array(items);
  let total = 0;
  for (let i = 0; i < items; i++) {
    total += (counts[i]! + 1) ** power;
    sums[i] = total;
  }
  return sums;
}

/** The first place whose running sum is above a value. */
function firstAbove(sums: Float64Array, value: number): number {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
