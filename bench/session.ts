/** @file A recipe at work on a real dataset, for the benchmarks: batches, updates, scores. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planEpoch } from "../src/data/batches.ts";
import { type Dataset, openDataset } from "../src/data/dataset.ts";
import { importInteractions } from "../src/data/import.ts";
import { leaveOneOut, type Split } from "../src/data/split.ts";
import type { RecipeConfig } from "../src/models/config.ts";
import { recipeConfig } from "../src/models/recipes.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import { workerRuntime } from "../src/runtime/worker.ts";
import { createLearner, type Learner } from "../src/training/learner.ts";

/** Imports a folder of shared data into a temporary dataset folder and opens it. */
export async function openShared(folder: string): Promise<Dataset> {
  const out = await mkdtemp(join(tmpdir(), "sequitur-bench-"));
  try {
    await importInteractions({ interactions: join(folder, "interactions.csv.gz"), out: join(out, "data") });
    return await openDataset(join(out, "data"));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

export interface Trainer {
  readonly config: RecipeConfig;
  readonly split: Split;
  readonly runtime: Runtime;
  readonly learner: Learner;
  readonly items: number;
  /** Runs whole updates for at least so many seconds; real interactions a second, everything included. */
  measure(seconds: number): Promise<{ interactionsPerSecond: number; stepMilliseconds: number }>;
}

export async function openTrainer(
  dataset: Dataset,
  threads: number,
  set: Parameters<typeof recipeConfig>[0]["set"] = [],
): Promise<Trainer> {
  const config = recipeConfig({ set: set! });
  const { rowLength: width, batchTokens, maxLength, learningRate } = config.training;
  const rows = Math.max(1, Math.round(batchTokens / width));
  const items = dataset.items.length;
  const split = leaveOneOut(dataset);
  const runtime = workerRuntime();
  const learner = await createLearner({
    config,
    items,
    sequences: split.training,
    rows,
    seed: 0,
    threads,
    runtime,
  });
  let plan = planEpoch(split.training, { rows, width, maxLength, seed: 0, epoch: 1 });
  let step = 0;
  const update = async (): Promise<number> => {
    if (step === plan.steps) {
      plan = planEpoch(split.training, { ...plan.options, epoch: plan.options.epoch + 1 });
      step = 0;
    }
    return (await learner.update(plan, step++, learningRate)).tokens;
  };
  await update(); // compiles
  return {
    config,
    split,
    runtime,
    learner,
    items,
    async measure(seconds) {
      const began = performance.now();
      let tokens = 0;
      let steps = 0;
      while (performance.now() - began < seconds * 1000) {
        tokens += await update();
        steps++;
      }
      const elapsed = performance.now() - began;
      return { interactionsPerSecond: tokens / (elapsed / 1000), stepMilliseconds: elapsed / steps };
    },
  };
}
