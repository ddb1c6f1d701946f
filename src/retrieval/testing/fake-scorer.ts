/** @file A scorer whose right answers are known, for tests of everything above the model. */

import type { Histories, Scorer } from "../scorer.ts";

export interface FakeScorer extends Scorer {
  /** The number of histories in every call so far. */
  readonly calls: number[];
  disposed: boolean;
}

/** The cycle world: after item i comes item i + 1 (mod N), then i + 2 and so on; only the last item matters. */
export function cycleScorer(items: number, options: { batch?: number; maxLength?: number } = {}): FakeScorer {
  const { batch = 4, maxLength = 3 } = options;
  const calls: number[] = [];
  return {
    items,
    maxLength,
    batch,
    calls,
    disposed: false,
    async score({ offsets, items: history }: Histories) {
      const rows = offsets.length - 1;
      if (rows > batch) throw new Error(`fake scorer: ${rows} rows, at most ${batch}`);
      calls.push(rows);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const scores = new Float32Array(rows * items);
      for (let q = 0; q < rows; q++) {
        const length = offsets[q + 1]! - offsets[q]!;
        if (length === 0 || length > maxLength) throw new Error(`fake scorer: a history of ${length}`);
        const last = history[offsets[q + 1]! - 1]!;
        for (let step = 1; step <= items; step++) scores[q * items + ((last + step) % items)] = -step;
      }
      return scores;
    },
    async dispose() {
      this.disposed = true;
    },
  };
}
