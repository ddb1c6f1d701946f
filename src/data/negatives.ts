/** @file Negatives: items drawn for a step that stand for the whole catalogue. */
import { stream } from "../tensor/random.ts";

export interface NegativeOptions {
  /** N, the number of items. */
  readonly items: number;
  /** Items of one draw, with replacement. */
  readonly draws: number;
  /** Draws of a step. */
  readonly times: number;
  /** Interactions of each item. */
  readonly counts: Int32Array;
  /** Items of the catalogue are drawn in proportion to (interactions + 1) to this power: 0 draws all alike. */
  readonly power: number;
  /** All items, the targets of the step, or the first half of each draw (rounded up) from all and the rest from them. */
  readonly from: "catalogue" | "batch" | "both";
  readonly seed: number;
  /** 1 for items that are never drawn from the catalogue. */
  readonly absent?: Uint8Array | undefined;
}

/** What is drawn for one step: [times · draws]. */
export interface Negatives {
  readonly items: Int32Array;
  /**
   * log(1 / n) for each, where n is how often its draw is expected to hold it (draws · q): with it, sums over a draw
   * estimate sums over all items. Targets are taken to come as often as items do in the histories.
   */
  readonly correction: Float32Array;
}

/** The targets of a step, by weight zero for padding. */
export interface Targets {
  readonly target: Int32Array;
  readonly weight: Float32Array;
}

/** Draws the negatives of a step: a pure function of options, step and targets. The arrays are filled anew by each call. */
export function negativeSampler(options: NegativeOptions): (step: number, batch: Targets) => Negatives {
  const { items, draws, times, counts, power, from, seed, absent } = options;
  const size = draws * times;
  const drawn = { items: new Int32Array(size), correction: new Float32Array(size) };
  const fromAll = { catalogue: draws, batch: 0, both: Math.ceil(draws / 2) }[from];
  const sums = power === 0 && !absent ? null : cumulated(options);
  const total = sums ? sums[items - 1]! : items;
  const interactions = counts.reduce((a, b) => a + b, 0);
  const correctionOf = (item: number): number => {
    const weight = sums ? sums[item]! - (sums[item - 1] ?? 0) : 1;
    const expected = (fromAll * weight) / total + ((draws - fromAll) * counts[item]!) / (interactions || 1);
    return -Math.log(expected);
  };
  return (step, { target, weight }) => {
    const random = stream(seed, "negatives", step);
    const real = fromAll < draws ? target.filter((_, t) => weight[t] !== 0) : target;
    for (let k = 0; k < size; k++) {
      let item: number;
      if (k % draws >= fromAll) item = real[random.below(real.length)]!;
      else item = sums ? firstAbove(sums, random.uniform() * total) : random.below(items);
      drawn.items[k] = item;
      drawn.correction[k] = correctionOf(item);
    }
    return drawn;
  };
}

/** Running sums of the items' weights. */
function cumulated({ items, counts, power, absent }: NegativeOptions): Float64Array {
  const sums = new Float64Array(items);
  let total = 0;
  for (let i = 0; i < items; i++) {
    if (!absent?.[i]) total += (counts[i]! + 1) ** power;
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
