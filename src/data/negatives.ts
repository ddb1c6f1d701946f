/** @file Negatives: items drawn for a step that stand for the whole catalogue. */
import { type Stream, stream } from "../tensor/random.ts";

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
  /**
   * All items, the targets of the step, or the first half of each draw (rounded up) from all and the rest from them; or
   * each target of the step once, and the rest of the draw from all.
   */
  readonly from: "catalogue" | "batch" | "both" | "targets";
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
  const { draws, times, from, seed } = options;
  const size = draws * times;
  const drawn = { items: new Int32Array(size), correction: new Float32Array(size) };
  const catalogue = catalogueOf(options);
  const shareOf = targetShares(options);
  const fromAll = { catalogue: draws, batch: 0, both: Math.ceil(draws / 2), targets: 0 }[from];
  return (step, { target, weight }) => {
    const random = stream(seed, "negatives", step);
    const real = from === "catalogue" ? target : target.filter((_, t) => weight[t] !== 0);
    const once = from === "targets" ? [...new Set(real)] : [];
    const even = from === "targets" ? draws - once.length : fromAll;
    for (let k = 0; k < size; k++) {
      const fixed = once[k % draws];
      const all = fixed === undefined && (from === "targets" || k % draws < even);
      const item = fixed ?? (all ? catalogue.draw(random) : real[random.below(real.length)]!);
      const share = shareOf(item);
      // How often a target of so many is among them, or how often so many draws from them are expected to hit it.
      const own = from === "targets" ? -Math.expm1(real.length * Math.log1p(-share)) : (draws - even) * share;
      drawn.items[k] = item;
      drawn.correction[k] = -Math.log(even * catalogue.chance(item) + own);
    }
    return drawn;
  };
}

/** Draws of single items from the catalogue, and how probable each is. */
function catalogueOf(options: NegativeOptions) {
  const { items, power, absent } = options;
  if (power === 0 && !absent)
    return { draw: (random: Stream): number => random.below(items), chance: () => 1 / items };
  const sums = cumulated(options);
  const total = sums[items - 1]!;
  return {
    draw: (random: Stream): number => firstAbove(sums, random.uniform() * total),
    chance: (item: number): number => (sums[item]! - (sums[item - 1] ?? 0)) / total,
  };
}

/** How many of the targets each item is taken to be: as many as of all interactions. */
function targetShares({ counts }: NegativeOptions): (item: number) => number {
  const interactions = counts.reduce((a, b) => a + b, 0) || 1;
  return (item) => counts[item]! / interactions;
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
