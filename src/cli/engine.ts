/** @file Loads training and the model runtime at the moment they are needed, so that --help stays fast. */

import type { Engine } from "./context.ts";

/** The real engine. */
export const engine: Engine = {
  train: async (options) => (await import("../training/train.ts")).train(options),
  openScorer: async (run, options) => (await import("../training/open-scorer.ts")).openScorer(run, options),
  openRetriever: async (run, options) =>
    (await import("../training/open-retriever.ts")).openRetriever(run, options),
  recipes: async () => (await import("../models/recipes.ts")).recipes,
};
