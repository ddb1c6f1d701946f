/** @file Opens a finished run for search, in a worker thread of its own. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { FeatureHome } from "../data/features.ts";
import { type OpenRun, runFiles, type ScorerOptions } from "../evaluation/run-folder.ts";
import type { ModelConfig } from "../models/config.ts";
import type { IndexOptions } from "../retrieval/build-index.ts";
import type { ContentReader } from "../retrieval/content-reader.ts";
import type { Interactions } from "../retrieval/fallbacks.ts";
import { scoringThreads } from "../retrieval/model-scorer.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import type { RetrieverSpec } from "./run-retriever.ts";
import { workerContent } from "./worker-content.ts";
import { workerRetriever } from "./worker-retriever.ts";

export interface RetrieverOptions extends ScorerOptions, Pick<IndexOptions, "index" | "onMessage"> {
  /** True where others are answered meanwhile, so that building an index may not take all cores. */
  readonly busy?: boolean | undefined;
  /** The histories that the model was trained on, for the fallbacks. */
  readonly interactions?: Interactions | undefined;
  /** The dataset, for the item fields of runs that have none of their own, and for the content of new items. */
  readonly dataset?: FeatureHome | undefined;
  /** Feature table → where its encoder is, if it is no longer where the table says. */
  readonly encoders?: Readonly<Record<string, string>> | undefined;
}

/** Loads the model of a run for search; supplied by training, so that tests can put a fake in its place. */
export type OpenRetriever = (run: OpenRun, options?: RetrieverOptions) => Promise<Retriever>;

/** The retriever of a run; its thread ends when it is disposed. @throws DataError where files of the run are broken */
export const openRetriever: OpenRetriever = async (run, options = {}) => {
  const cores = availableParallelism();
  const { threads = scoringThreads(cores), device, index, busy, interactions, encoders } = options;
  const { recipe, features = {}, networks } = run.manifest;
  const dataset = options.dataset && {
    directory: options.dataset.directory,
    manifest: options.dataset.manifest,
  };
  const own = run.manifest.files[runFiles.fields] !== undefined;
  const spec: RetrieverSpec = {
    directory: run.directory,
    config: run.manifest.config as unknown as ModelConfig,
    counts: Int32Array.from(run.items, ({ count }) => count),
    fields: own ? { file: join(run.directory, runFiles.fields) } : { dataset: dataset?.directory },
    interactions,
    index,
    threads,
    buildThreads: busy ? threads : cores,
    cache: indexFolder(run.directory),
    device,
  };
  const { directory, config, counts } = spec;
  const retriever = await workerRetriever(spec, options.onMessage);
  const described = { directory, recipe, config, counts, networks };
  const content = workerContent({ ...described, dataset, features, encoders, threads });
  return withContent(retriever, content);
};

/** Where an index that takes long to build is kept: beside the run folder. */
const indexFolder = (run: string): string => `${run.replace(/[\\/]+$/, "")}.index`;

/** The same retriever, whose thread and the reader's end together. */
const withContent = (retriever: Retriever, content: ContentReader): Retriever => ({
  ...retriever,
  get fields() {
    return retriever.fields;
  },
  content,
  async dispose() {
    await Promise.all([retriever.dispose(), content.dispose()]);
  },
});
