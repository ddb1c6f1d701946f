/** @file A fitted baseline as a scorer. */
import { baselineOf } from "../models/baselines/index.ts";
import type { BaselineConfig } from "../models/config.ts";
import type { Tensor } from "../tensor/spec.ts";
import { historyAt, type Scorer, scoringBatch } from "./scorer.ts";

/** Scores histories on the calling thread. */
export function baselineScorer(
  { baseline }: BaselineConfig,
  items: number,
  state: Readonly<Record<string, Tensor>>,
): Scorer {
  const scoreOne = baselineOf(baseline.name).scorer(state, items, baseline as never);
  return {
    items,
    maxLength: 2 ** 30,
    batch: scoringBatch(items),
    async score(histories) {
      const scores = new Float32Array((histories.offsets.length - 1) * items);
      for (let q = 0; q < scores.length / items; q++)
        scoreOne(historyAt(histories, q), scores.subarray(q * items, (q + 1) * items));
      return scores;
    },
    dispose: async () => {},
  };
}
