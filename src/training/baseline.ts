/** @file Fitting a baseline: counted or solved in one go, kept in a run folder like a trained model. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import { writeTensors } from "../data/tensors.ts";
import { evaluateCases } from "../evaluation/cases.ts";
import { runFiles } from "../evaluation/run-folder.ts";
import { baselineOf } from "../models/baselines/index.ts";
import type { BaselineConfig } from "../models/config.ts";
import { baselineScorer } from "../retrieval/baseline-scorer.ts";
import { breather } from "../runtime/breather.ts";
import { workerRuntime } from "../runtime/worker.ts";
import { finishRun } from "./finish.ts";
import type { TrainResult } from "./progress.ts";
import type { Start } from "./start.ts";

/** Fits, validates and finishes a run. */
export async function fitBaseline(
  out: string,
  start: Start & { readonly config: BaselineConfig },
  onProgress: (text: string) => void,
): Promise<TrainResult> {
  const { dataset, split, config, manifest } = start;
  const began = performance.now();
  const baseline = baselineOf(config.baseline.name);
  const count = dataset.items.length;
  const threads = config.training.threads || availableParallelism();
  const runtime = workerRuntime();
  const input = {
    sequences: split.training,
    times: split.training.times,
    count,
    seed: manifest.seed,
    runtime,
    threads,
    breathe: breather(),
    onProgress,
  };
  try {
    const state = await baseline.fit(input, config.baseline as never);
    const seconds = (performance.now() - began) / 1000;
    await writeTensors(join(out, runFiles.weights), state);
    const scorer = await baselineScorer(config, { items: count, state, runtime, threads });
    const { metrics: validation } = await evaluateCases({ scorer, cases: split.validation });
    await finishRun({ ...start, out, state: { history: [], bestEpoch: 0, seconds } });
    return { run: out, bestEpoch: 0, epochs: 0, seconds, validation };
  } finally {
    await runtime.dispose();
  }
}
