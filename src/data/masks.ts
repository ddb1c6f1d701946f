/** @file Hidden tokens of histories: what the cloze task asks for. */
import { stream } from "../tensor/random.ts";

/** How the tokens of a history are hidden. */
export interface Masking {
  /** Share of the tokens of a history, rounded; at least one is hidden and at least one stays. */
  readonly share: number;
  /** Share of the histories of which the last token is hidden and no other, as it is when a model is asked what follows. */
  readonly last: number;
}

/** The hidden tokens of history `h`, counted from its first, ascending: `places[offsets[h] .. offsets[h + 1])`. */
export interface Masks {
  readonly offsets: Int32Array;
  readonly places: Int32Array;
}

/** The place of a hidden token holds this instead of an item. */
export const hiddenItem = -1;

/** How many tokens of a history of two tokens or more are hidden. */
const hiddenOf = (length: number, share: number): number =>
  Math.min(length - 1, Math.max(1, Math.round(length * share)));

/** The mean number of hidden tokens of an epoch. */
export function expectedHidden(lengths: Int32Array, { share, last }: Masking): number {
  let total = 0;
  for (const length of lengths) if (length > 0) total += last + (1 - last) * hiddenOf(length, share);
  return total;
}

/**
 * Chooses the hidden tokens of an epoch, each set of a history's tokens as likely as another of its size; a pure
 * function of lengths (0, or 2 and more), masking, seed and epoch.
 */
export function drawMasks(
  lengths: Int32Array,
  { share, last }: Masking,
  { seed, epoch }: { readonly seed: number; readonly epoch: number },
): Masks {
  const random = stream(seed, "masks", epoch);
  const offsets = new Int32Array(lengths.length + 1);
  const places: number[] = [];
  for (let h = 0; h < lengths.length; h++) {
    const length = lengths[h]!;
    if (length > 0 && random.uniform() < last) places.push(length - 1);
    else if (length > 0) {
      // Selection sampling (Fan, Muller & Rezucha 1962): each token in turn, by what is still to be chosen.
      let missing = hiddenOf(length, share);
      for (let t = 0; missing > 0; t++) {
        if (random.uniform() * (length - t) >= missing) continue;
        places.push(t);
        missing--;
      }
    }
    offsets[h + 1] = places.length;
  }
  return { offsets, places: Int32Array.from(places) };
}
