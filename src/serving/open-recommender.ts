/** @file Opens a run folder as a recommender. */

import type { Dataset } from "../data/dataset.ts";
import { openRunDataset } from "../evaluation/evaluate-run.ts";
import {
  type OpenRun,
  type OpenScorer,
  openRun,
  runFiles,
  type ScorerOptions,
} from "../evaluation/run-folder.ts";
import { describeIndex } from "../retrieval/build-index.ts";
import type { Interactions } from "../retrieval/fallbacks.ts";
import { createRetriever, type Retriever } from "../retrieval/retriever.ts";
import { scoreSource } from "../retrieval/source.ts";
import type { OpenRetriever, RetrieverOptions } from "../training/open-retriever.ts";
import type { QueueOptions } from "./batcher.ts";
import { Pages } from "./pages/pages.ts";
import { type HistoryOf, Recommender } from "./recommender.ts";
import { liveHistories, type TrainedHistory } from "./state/live-histories.ts";
import type { UserEvents } from "./state/store.ts";
import { warmUp } from "./warm-up.ts";

export interface OpenRecommenderOptions extends ScorerOptions {
  /** The run folder. */
  readonly run: string;
  /** The model as a scorer of everything, where there is no `openRetriever`. */
  readonly openScorer: OpenScorer;
  /** The model with an index, in a thread of its own. */
  readonly openRetriever?: OpenRetriever | undefined;
  /** How items are found; by default what suits their number. */
  readonly index?: RetrieverOptions["index"];
  /** Feature table → where its encoder is, if it is no longer where `encode` found it: new items are encoded by it. */
  readonly encoders?: RetrieverOptions["encoders"];
  /** Whether users of the dataset are known: "required" fails without the dataset, "none" never opens it. */
  readonly users: "required" | "if-present" | "none";
  /** The dataset folder, where it is no longer at the place that the run knows. */
  readonly data?: string | undefined;
  /** What users did since the model was trained; without it only the dataset speaks of them. */
  readonly events?: ((user: string) => Promise<UserEvents>) | undefined;
  readonly queue?: QueueOptions | undefined;
  /** True where another model answers meanwhile. */
  readonly reloading?: boolean | undefined;
  /** True: half a second goes into made-up questions, so that the first of people are not slow. */
  readonly warmUp?: boolean | undefined;
  /** Told where the dataset could not be opened and users are only wanted if present; and of the index. */
  readonly onMessage?: ((text: string) => void) | undefined;
}

/** Loads a finished run; DataError where its files are missing, altered or cut short. */
export async function openRecommender(options: OpenRecommenderOptions): Promise<Recommender> {
  const run = await openRun(options.run);
  const dataset = await openUsers(run, options);
  const retriever = await openRetrieval(run, dataset, options);
  try {
    if (options.warmUp) await warmUp(retriever);
    return new Recommender({
      retriever,
      items: run.items,
      model: modelName(run),
      data: run.manifest.dataset.fingerprint,
      pages: new Pages(run, modelName(run), dataset),
      historyOf: historyOf(dataset, options.events),
      queue: options.queue,
    });
  } catch (error) {
    await retriever.dispose();
    throw error;
  }
}

async function openRetrieval(
  run: OpenRun,
  dataset: Dataset | undefined,
  {
    openScorer,
    openRetriever,
    index,
    threads,
    device,
    encoders,
    reloading,
    onMessage,
  }: OpenRecommenderOptions,
): Promise<Retriever> {
  if (openRetriever) {
    const given = {
      index,
      threads,
      device,
      interactions: dataset && interactionsOf(dataset),
      dataset,
      encoders,
      busy: reloading,
      onMessage,
    };
    const retriever = await openRetriever(run, given);
    if (retriever.report) onMessage?.(describeIndex(retriever.report));
    return retriever;
  }
  const scorer = await openScorer(run, { threads, device });
  return createRetriever({ source: scoreSource(scorer), counts: run.items.map(({ count }) => count) });
}

const interactionsOf = ({ offsets, sequence, times }: Dataset): Interactions => ({
  offsets,
  sequence,
  times,
});

function historyOf(
  dataset: Dataset | undefined,
  events: OpenRecommenderOptions["events"],
): HistoryOf | undefined {
  const trained = dataset && historiesOf(dataset);
  if (events) return liveHistories(events, trained);
  return trained;
}

/** The recipe and the first digits of the model file's hash (a baseline's weights), such as "sasrec@1a2b3c4d". */
export function modelName({ manifest: { recipe, files } }: OpenRun): string {
  return `${recipe}@${(files[runFiles.model] ?? files[runFiles.weights])!.slice(0, 8)}`;
}

async function openUsers(run: OpenRun, options: OpenRecommenderOptions): Promise<Dataset | undefined> {
  if (options.users === "none") return undefined;
  try {
    return await openRunDataset(run, options.data);
  } catch (error) {
    if (options.users === "required" || options.data !== undefined || !(error instanceof Error)) throw error;
    options.onMessage?.(`users are not known, only histories: ${error.message}`);
    return undefined;
  }
}

/** The users of a dataset with the ids of their items. */
function historiesOf({ users, items, offsets, sequence, times }: Dataset): TrainedHistory {
  const indexOf = new Map(users.map((user, index) => [user, index]));
  return (user) => {
    const index = indexOf.get(user);
    if (index === undefined) return undefined;
    const [from, to] = [offsets[index]!, offsets[index + 1]!];
    return {
      items: Array.from(sequence.subarray(from, to), (item) => items[item]!),
      times: times?.subarray(from, to),
    };
  };
}
