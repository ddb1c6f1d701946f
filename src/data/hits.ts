/** @file Which draws of a step are no negatives, because the person has met them: false negatives. */
import type { Batch } from "./batches.ts";
import type { Sequences } from "./sequences.ts";

export interface HitOptions {
  /** The training histories that batches are made of. */
  readonly sequences: Sequences;
  /** N, the number of items. */
  readonly items: number;
  /** Items of one draw. */
  readonly draws: number;
  /** T, the most predictions of a step. */
  readonly predictions: number;
  /** Whether each prediction has its own draw, or all share one. */
  readonly each: "step" | "token";
}

/**
 * Marks by 1 the draws of each prediction that are items of the whole training history it is of, what comes after it and
 * what is cut from the batch included: drawn [K], or [T · K] → [T · K], in shared memory that each call fills anew.
 * Padding has no history and no marks.
 */
export function hitMarker({ sequences, items, draws, predictions, each }: HitOptions) {
  const hits = new Uint8Array(new SharedArrayBuffer(predictions * draws));
  const owner = new Int32Array(items).fill(-1); // the last history that was found to hold the item
  const claim = (history: number): void => {
    for (let at = sequences.offsets[history]!; at < sequences.offsets[history + 1]!; at++)
      owner[sequences.sequence[at]!] = history;
  };
  return ({ history, weight }: Pick<Batch, "history" | "weight">, drawn: Int32Array): Uint8Array => {
    hits.fill(0);
    let before = -1; // the last prediction that was marked
    for (let t = 0; t < predictions; t++) {
      if (weight[t] === 0) continue;
      const own = history[t]!;
      const known = before >= 0 && history[before] === own;
      if (!known) claim(own);
      const to = t * draws;
      if (known && each === "step") hits.copyWithin(to, before * draws, (before + 1) * draws);
      else {
        const from = each === "step" ? 0 : to;
        for (let k = 0; k < draws; k++) hits[to + k] = Number(owner[drawn[from + k]!] === own);
      }
      before = t;
    }
    return hits;
  };
}
