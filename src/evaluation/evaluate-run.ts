/** @file Evaluates a trained run on its dataset and keeps the result in the run folder. */

import { coldItems, withoutItems } from "../data/cold.ts";
import { type Dataset, openDataset } from "../data/dataset.ts";
import type { Cases } from "../data/sequences.ts";
import { globalTime, leaveOneOut, type Split } from "../data/split.ts";
import { countItems } from "../retrieval/popularity.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import { DataError } from "../tensor/errors.ts";
import { type CaseResult, evaluateCases, type SeenRule } from "./cases.ts";
import { coldGroups, contentNeighbours, metricsOf, neighboursName } from "./cold.ts";
import { evaluatePopularity } from "./popularity.ts";
import { type Protocol, protocolFingerprint } from "./protocol.ts";
import { type Part, type RankLine, type StoredEvaluation, writeEvaluation } from "./result.ts";
import {
  datasetDirectory,
  type OpenRun,
  type OpenScorer,
  openRun,
  type ScorerOptions,
  type SplitSettings,
} from "./run-folder.ts";

export interface EvaluateRunOptions extends ScorerOptions {
  /** The run folder. */
  readonly run: string;
  readonly openScorer: OpenScorer;
  /** "test" by default. */
  readonly split?: Part;
  /** "exclude" by default, which is the standard protocol. */
  readonly seen?: SeenRule;
  /** The dataset folder, where it is no longer at the place that the run knows. */
  readonly data?: string;
  readonly onProgress?: (progress: { readonly done: number; readonly users: number }) => void;
}

/** Leave-one-out evaluates users with at least this many interactions; global time needs a history and a target. */
const LEAST_INTERACTIONS = { "leave-one-out": 3, "global-time": 2 } as const;

/** Ranks all items for every user of one part, beside popularity, and writes evaluation-PART.json and ranks-PART.csv. */
export async function evaluateRun(options: EvaluateRunOptions): Promise<StoredEvaluation> {
  const { split: part = "test", seen = "exclude", onProgress } = options;
  const run = await openRun(options.run);
  const dataset = await openRunDataset(run, options.data);
  const split = splitDataset(dataset, run.manifest.split);
  const cases = part === "test" ? split.test : split.validation;
  refuseEmpty(cases, dataset, part);
  const started = performance.now();
  const scorer = await options.openScorer(run, options);
  try {
    checkItems(scorer, run);
    const model = await evaluateCases({ scorer, cases, seen, ...(onProgress ? { onProgress } : {}) });
    const counts = countItems(split.training.sequence, dataset.items.length);
    const baselines: Record<string, CaseResult> = { popularity: evaluatePopularity({ counts, cases, seen }) };
    const neighbours = split.cold && (await contentNeighbours(run, dataset, { cases, seen }));
    if (neighbours) baselines[neighboursName] = neighbours;
    const seconds = { train: run.manifest.seconds.train, evaluate: (performance.now() - started) / 1000 };
    const protocol = protocolOf(run, part, seen);
    const evaluation: StoredEvaluation = {
      recipe: run.manifest.recipe,
      split: part,
      users: model.users,
      items: dataset.items.length,
      metrics: { ...model.metrics },
      baselines: metricsOf(baselines),
      ...(split.cold && { groups: coldGroups({ model, ...baselines }, cases, split.cold) }),
      fingerprint: protocolFingerprint(protocol),
      seed: run.manifest.seed,
      seconds,
      protocol,
    };
    await writeEvaluation(options.run, evaluation, rankLines(dataset, cases, model.ranks));
    return evaluation;
  } finally {
    await scorer.dispose();
  }
}

/** Opens the dataset of a run; DataError where it is missing or is not the data that the run was trained on. */
export async function openRunDataset(run: OpenRun, given?: string): Promise<Dataset> {
  const directory = datasetDirectory(run, given);
  const dataset = await openDataset(directory).catch((error: unknown) => {
    if (given !== undefined || !(error instanceof DataError) || error.code !== "not-a-dataset") throw error;
    const message = `${run.directory}: the dataset of this run is no longer at ${directory}; name its folder with --data`;
    throw new DataError("dataset-moved", message, { directory });
  });
  const { fingerprint } = run.manifest.dataset;
  if (dataset.manifest.fingerprint === fingerprint) return dataset;
  const message = `${directory}: this is not the dataset that ${run.directory} was trained on (its fingerprint differs); name the right folder with --data or train again`;
  throw new DataError("other-dataset", message, { directory, expected: fingerprint });
}

/** The split of a dataset by the settings of a run. */
export function splitDataset(dataset: Dataset, settings: SplitSettings): Split {
  const split = settings.kind === "leave-one-out" ? leaveOneOut(dataset) : globalTime(dataset, settings);
  return settings.cold ? withoutItems(split, coldItems(dataset.items.length, settings.cold)) : split;
}

/** The protocol of one evaluation of a run. */
export function protocolOf(run: OpenRun, part: Part, seen: SeenRule): Protocol {
  const { split, dataset } = run.manifest;
  return {
    dataset: dataset.fingerprint,
    split,
    part,
    seen,
    candidates: "all",
    ties: "pessimistic",
    minInteractions: LEAST_INTERACTIONS[split.kind],
  };
}

function* rankLines(dataset: Dataset, cases: Cases, ranks: Int32Array): Generator<RankLine> {
  for (const [c, rank] of ranks.entries()) {
    yield { user: dataset.users[cases.users[c]!]!, target: dataset.items[cases.target[c]!]!, rank };
  }
}

function refuseEmpty(cases: Cases, dataset: Dataset, part: Part): void {
  if (cases.target.length > 0) return;
  const message = `${dataset.directory}: no user has enough interactions for a ${part} case; import more data`;
  throw new DataError("no-cases", message, { directory: dataset.directory, part });
}

function checkItems(scorer: Scorer, run: OpenRun): void {
  const { items } = run.manifest.dataset;
  if (scorer.items === items) return;
  const message = `${run.directory}: the model scores ${scorer.items} items where the run has ${items}; train again`;
  throw new DataError("other-items", message, { model: scorer.items, run: items });
}
