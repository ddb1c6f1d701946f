/** @file Fitting a baseline: counted or solved in one go, kept in a run folder like a trained model. */

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { Split } from "../data/split.ts";
import { writeTensors } from "../data/tensors.ts";
import { evaluateCases } from "../evaluation/cases.ts";
import { runFiles } from "../evaluation/run-folder.ts";
import { baselineOf } from "../models/baselines/index.ts";
import type { BaselineConfig } from "../models/config.ts";
import { baselineScorer } from "../retrieval/baseline-scorer.ts";
import { workerRuntime } from "../runtime/worker.ts";
import { finishRun } from "./finish.ts";
import type { TrainResult } from "./progress.ts";
import type { Start } from "./start.ts";

/** Times beside the training histories, which are the beginnings of the users' sequences without the cold items. */
function trainingTimes({ offsets, sequence, times }: Dataset, split: Split): Float64Array | undefined {
  if (!times) return undefined;
  const { training, cold } = split;
  const kept = new Float64Array(training.sequence.length);
  for (let user = 0; user < offsets.length - 1; user++) {
    let at = offsets[user]!;
    for (let k = training.offsets[user]!; k < training.offsets[user + 1]!; k++) {
      while (cold?.[sequence[at]!]) at++;
      kept[k] = times[at++]!;
    }
  }
  return kept;
}

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
  const times = trainingTimes(dataset, split);
  const input = {
    sequences: split.training,
    times,
    count,
    seed: manifest.seed,
    runtime,
    threads,
    onProgress,
  };
  const state = await Promise.resolve(baseline.fit(input, config.baseline as never)).finally(() =>
    runtime.dispose(),
  );
  const seconds = (performance.now() - began) / 1000;
  await writeTensors(join(out, runFiles.weights), state);
  const scorer = baselineScorer(config, count, state);
  const { metrics: validation } = await evaluateCases({ scorer, cases: split.validation });
  await finishRun({ ...start, out, state: { history: [], bestEpoch: 0, seconds } });
  return { run: out, bestEpoch: 0, epochs: 0, seconds, validation };
}
