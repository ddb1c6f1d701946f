/** @file What counting alone says of the next item, added to a model's scores. */
import type { Sequences } from "../data/sequences.ts";
import { markov } from "../models/baselines/markov.ts";
import type { RecipeConfig } from "../models/config.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";

export interface Prior {
  /**
   * Adds weighted log-probabilities after a history (oldest item first) to the scores of all rows. A row that the prior
   * was not fitted to counts as the least likely one.
   */
  add(history: Int32Array, scores: Float32Array): void;
}

const prefix = "prior.";

const chain = { name: "markov", order: 2 } as const;

/** The parameters that belong to the prior. */
export const isPriorParam = (name: string): boolean => name.startsWith(prefix);

/** What a prior is made of, by name, to be kept among the weights of a run; nothing where the scoring has none. */
export async function fitPrior(
  { scoring }: RecipeConfig,
  sequences: Sequences,
  count: number,
  runtime: Runtime,
): Promise<Record<string, Tensor>> {
  if (scoring.prior === "none") return {};
  const input = { sequences, count, seed: 0, runtime, threads: 1 };
  const state = await markov.fit(input, chain);
  return Object.fromEntries(Object.entries(state).map(([name, tensor]) => [prefix + name, tensor]));
}

/**
 * The prior of a model: score(x) = the model's score + w · log P(x | the last items), the log-linear combination of two
 * distributions. null where the scoring has none.
 *
 * Source: logarithmic opinion pool (Genest & Zidek 1986, "Combining probability distributions"); the Markov chain with
 * back-off is that of the recipe `markov`.
 */
export function openPrior(
  { scoring }: Pick<RecipeConfig, "scoring">,
  items: number,
  params: Readonly<Record<string, Tensor>>,
): Prior | null {
  const { prior = "none" }: Partial<typeof scoring> = scoring; // runs of before have no such setting
  if (prior === "none") return null;
  const own = Object.entries(params).filter(([name]) => isPriorParam(name));
  const state = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  const logProbabilities = markov.scorer(state, items, chain);
  const row = new Float32Array(items);
  const weight = scoring.priorWeight;
  return {
    add(history, scores) {
      logProbabilities(
        history.filter((item) => item < items),
        row,
      );
      for (let x = 0; x < items; x++) scores[x]! += weight * row[x]!;
      if (scores.length === items) return;
      const least = row.reduce((a, b) => Math.min(a, b), 0);
      for (let x = items; x < scores.length; x++) scores[x]! += weight * least;
    },
  };
}
