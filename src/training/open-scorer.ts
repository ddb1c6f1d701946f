/** @file Opens the model of a finished run for scoring, in a worker thread of its own. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { readTensors } from "../data/tensors.ts";
import { type OpenRun, runFiles, type ScorerOptions } from "../evaluation/run-folder.ts";
import { isBaseline, resolveModelConfig } from "../models/config.ts";
import { baselineScorer } from "../retrieval/baseline-scorer.ts";
import { modelScorer, scoringThreads } from "../retrieval/model-scorer.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import { workerRuntime } from "../runtime/worker.ts";
import { readRunParams } from "./ready-vectors.ts";

/** The scorer of a run; its thread ends when it is disposed. */
export async function openScorer(
  run: OpenRun,
  { threads = scoringThreads(availableParallelism()), device }: ScorerOptions = {},
): Promise<Scorer> {
  const config = resolveModelConfig(run.manifest.config);
  const items = run.manifest.dataset.items;
  const read = async () =>
    isBaseline(config)
      ? (await readTensors(join(run.directory, runFiles.weights))).tensors
      : readRunParams(run.directory, config);
  const params = await read();
  const runtime = workerRuntime();
  const opened = isBaseline(config)
    ? baselineScorer(config, { items, state: params, runtime, threads })
    : modelScorer({ config, items, params, mode: "stored", runtime, threads, device });
  const scorer = await opened.catch(async (error: unknown) => {
    await runtime.dispose();
    throw error;
  });
  return {
    ...scorer,
    async dispose() {
      await scorer.dispose();
      await runtime.dispose();
    },
  };
}
