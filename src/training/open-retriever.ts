/** @file Opens a finished run for search, in a worker thread of its own. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type OpenRun, runFiles, type ScorerOptions } from "../evaluation/run-folder.ts";
import type { ModelConfig } from "../models/config.ts";
import type { IndexOptions } from "../retrieval/build-index.ts";
import type { Interactions } from "../retrieval/fallbacks.ts";
import { scoringThreads } from "../retrieval/model-scorer.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { RetrieverSpec } from "./run-retriever.ts";
import { workerRetriever } from "./worker-retriever.ts";

export interface RetrieverOptions extends ScorerOptions, Pick<IndexOptions, "index"> {
  /** The histories that the model was trained on, for the fallbacks. */
  readonly interactions?: Interactions | undefined;
  /** The dataset folder, for the item fields of runs that have none of their own. */
  readonly dataset?: string | undefined;
}

/** Loads the model of a run for search; supplied by training, so that tests can put a fake in its place. */
export type OpenRetriever = (run: OpenRun, options?: RetrieverOptions) => Promise<Retriever>;

/** The retriever of a run; its thread ends when it is disposed. @throws DataError where files of the run are broken */
export const openRetriever: OpenRetriever = (run, options = {}) => {
  const { threads = scoringThreads(availableParallelism()), device, index, interactions, dataset } = options;
  const own = run.manifest.files[runFiles.fields] !== undefined;
  const spec: RetrieverSpec = {
    directory: run.directory,
    config: run.manifest.config as unknown as ModelConfig,
    counts: Int32Array.from(run.items, ({ count }) => count),
    fields: own ? { file: join(run.directory, runFiles.fields) } : { dataset },
    interactions,
    index,
    threads,
    device,
  };
  return workerRetriever(spec);
};
