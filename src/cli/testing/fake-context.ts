/** @file A context that records what is written and whose model is the cycle world, for tests. */

import type { OpenScorer } from "../../evaluation/run-folder.ts";
import { cycleScorer } from "../../retrieval/testing/fake-scorer.ts";
import type { TrainOptions } from "../../training/progress.ts";
import type { Context, Engine } from "../context.ts";

export interface FakeContext extends Context {
  readonly written: { out: string; error: string };
  /** What train was asked to do. */
  readonly trainings: TrainOptions[];
  /** Makes a running server stop. */
  stop(): void;
}

/** A context without a terminal; `train` replaces the training, which does nothing by default. */
export function fakeContext(train: (options: TrainOptions) => Promise<void> = async () => {}): FakeContext {
  const written = { out: "", error: "" };
  const trainings: TrainOptions[] = [];
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const openScorer: OpenScorer = async (run) => cycleScorer(run.items.length);
  const engine: Engine = {
    openScorer,
    recipes: async () => [{ name: "sasrec", summary: "one", source: "a paper" }],
    async train(options) {
      trainings.push(options);
      await train(options);
      return { run: options.out, bestEpoch: 2, epochs: 3, seconds: 1, validation: { "NDCG@10": 0.5 } };
    },
  };
  return {
    version: "0.0.0",
    out: (text) => {
      written.out += text;
    },
    error: (text) => {
      written.error += text;
    },
    terminalColumns: undefined,
    engine,
    stopped: () => stopped,
    onReload: () => () => {},
    written,
    trainings,
    stop: () => stop(),
  };
}
