/** @file Training: epochs of updates, validation after each, the best weights kept, stopping when it gets no better. */
import { planEpoch } from "../data/batches.ts";
import { evaluateCases } from "../evaluation/cases.ts";
import { type BaselineConfig, isBaseline, type RecipeConfig } from "../models/config.ts";
import { modelScorer, scoringThreads } from "../retrieval/model-scorer.ts";
import { fitPrior } from "../retrieval/prior.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { workerRuntime } from "../runtime/worker.ts";
import { RuntimeFailure } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { fitBaseline } from "./baseline.ts";
import { type EpochLine, type State, writeCheckpoint } from "./checkpoint.ts";
import { finishRun } from "./finish.ts";
import { createLearner, itemNetworks, type Learner } from "./learner.ts";
import type { TrainOptions, TrainProgress, TrainResult } from "./progress.ts";
import { openReadyVectors, type ReadyVectors, writeBest } from "./ready-vectors.ts";
import { sentence, stepReport } from "./reports.ts";
import { learningRateAt } from "./schedule.ts";
import { type Start, startTraining } from "./start.ts";
import { stepRows, stepShape } from "./step-size.ts";

export type { TrainOptions, TrainProgress, TrainResult } from "./progress.ts";

/** Validation metric that chooses the checkpoint. */
const criterion = "NDCG@10";

/**
 * Trains a recipe on a dataset folder and leaves a run folder behind. Model programs run in a worker thread. After each
 * epoch a checkpoint is written; a killed training continues with `resume: true` and ends with the same weights.
 *
 * @throws ConfigError for settings, DataError for data or folders that cannot be used, before any work
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const start = await startTraining(options);
  const { config } = start;
  try {
    return await (isBaseline(config)
      ? fitOnce(options, { ...start, config })
      : run(options, { ...start, config }));
  } finally {
    await start.unlock();
  }
}

/** A start of a model that is trained. */
type ModelStart = Start & { readonly config: RecipeConfig };

async function fitOnce(
  options: TrainOptions,
  start: Start & { readonly config: BaselineConfig },
): Promise<TrainResult> {
  const { status, seconds } = start.manifest;
  if (status === "finished") {
    options.onProgress?.(sentence(`${options.out} is finished already`, 0));
    return { run: options.out, bestEpoch: 0, epochs: 0, seconds: seconds.train, validation: {} };
  }
  return fitBaseline(options.out, start, (text) => options.onProgress?.(sentence(text, 0)));
}

async function run(options: TrainOptions, start: ModelStart): Promise<TrainResult> {
  const report = options.onProgress ?? (() => {});
  let state: State = start.checkpoint?.state ?? { history: [], bestEpoch: 0, seconds: 0 };
  if (start.manifest.status === "finished") {
    report(message(start, `${options.out} is finished already`));
    return resultOf(options, state, start);
  }
  for (const note of start.notes) report(message(start, note));
  if (start.checkpoint) report(message(start, `continuing after epoch ${state.history.length}`));
  state = await trainEpochs(options, start, state, report);
  await finishRun({ ...start, out: options.out, state });
  return resultOf(options, state, start);
}

/** Trains until there is nothing more to learn; the weights are in the run folder then, and no longer in memory. */
async function trainEpochs(
  { out }: TrainOptions,
  start: ModelStart,
  begun: State,
  report: (p: TrainProgress) => void,
): Promise<State> {
  const training = await openTraining(start);
  let state = begun;
  try {
    if (start.config.training.epochs === 0) {
      report(message(start, "no epochs: the weights stay as they start"));
      await refresh(training);
      await keep(out, training);
    }
    while (!isOver(state, start)) {
      state = await trainEpoch(training, start, state, report);
      if (state.bestEpoch === state.history.length) await keep(out, training);
      await writeCheckpoint(out, { weights: training.learner.weights, state });
    }
    return state;
  } finally {
    await training.dispose();
  }
}

/** Makes the item vectors that the scorer reads of the weights as they are. */
async function refresh({ learner, ready }: Training): Promise<void> {
  await ready?.refresh({ ...learner.evaluated(), ...learner.constants });
}

/** Writes the weights as they are, and the vectors that were made of them. */
async function keep(out: string, { learner, ready, prior }: Training): Promise<void> {
  await writeBest(out, { ...learner.kept(), ...prior }, ready);
}

interface Training {
  readonly learner: Learner;
  readonly scorer: Scorer;
  /** The item vectors that the scorer reads, where they must be made. */
  readonly ready: ReadyVectors | null;
  /** What counting alone says, kept beside the weights. */
  readonly prior: Readonly<Record<string, Tensor>>;
  readonly rows: number;
  dispose(): Promise<void>;
}

async function openTraining(start: ModelStart): Promise<Training> {
  const runtime = workerRuntime();
  try {
    return await trainingOn(runtime, start);
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

async function trainingOn(
  runtime: Runtime,
  { config, dataset, split, manifest, checkpoint, content, carried }: ModelStart,
): Promise<Training> {
  const { threads } = config.training;
  const rows = stepRows(config, split.training);
  const items = dataset.items.length;
  const learner = await createLearner(
    {
      config,
      items,
      sequences: split.training,
      cold: split.cold,
      content,
      carried,
      rows,
      seed: manifest.seed,
      threads,
      runtime,
    },
    checkpoint?.weights,
  );
  const networks = await itemNetworks(config, content);
  const ready = await openReadyVectors(config, items, { runtime, threads, networks });
  const prior = await fitPrior(config, {
    sequences: split.training,
    count: items,
    content,
    runtime,
    threads,
  });
  const scorer = await modelScorer({
    config,
    items,
    params: { ...learner.evaluated(), ...ready?.params, ...prior },
    version: () => learner.weights.step,
    mode: "fed",
    runtime,
    threads: scoringThreads(threads),
    device: config.training.device,
  });
  return { learner, scorer, ready, prior, rows, dispose: () => runtime.dispose() };
}

const patienceUsed = (state: State): number => state.history.length - state.bestEpoch;

function isOver(state: State, { config }: ModelStart): boolean {
  const { epochs, patience } = config.training;
  return state.history.length >= epochs || (state.bestEpoch > 0 && patienceUsed(state) >= patience);
}

async function trainEpoch(
  training: Training,
  start: ModelStart,
  state: State,
  report: (p: TrainProgress) => void,
): Promise<State> {
  const { learner, scorer, rows } = training;
  const settings = start.config.training;
  const epoch = state.history.length + 1;
  const options = {
    ...stepShape(start.config, rows, start.split.training),
    seed: start.manifest.seed,
    epoch,
  };
  const plan = planEpoch(start.split.training, options);
  const total = plan.steps * settings.epochs;
  const began = performance.now();
  let loss = 0;
  let tokens = 0;
  let learningRate = 0;
  for (let step = 0; step < plan.steps; step++) {
    learningRate = learningRateAt(learner.weights.step + 1, total, settings);
    const done = await learner.update(plan, step, learningRate);
    if (!Number.isFinite(done.loss)) throw diverged(epoch, step);
    loss += done.loss * done.tokens;
    tokens += done.tokens;
    report(stepReport({ plan, step, epoch, loss: loss / tokens, tokens, began, state, settings }));
  }
  const interactionsPerSecond = tokens / ((performance.now() - began) / 1000);
  await refresh(training);
  const { metrics: validation } = await evaluateCases({ scorer, cases: start.split.validation });
  const seconds = (performance.now() - began) / 1000;
  const line: EpochLine = {
    epoch,
    loss: loss / tokens,
    learningRate,
    validation,
    interactionsPerSecond,
    seconds,
  };
  const history = [...state.history, line];
  const best = state.history[state.bestEpoch - 1]?.validation[criterion] ?? -1;
  const bestEpoch = validation[criterion]! > best ? epoch : state.bestEpoch;
  const next: State = { history, bestEpoch, seconds: state.seconds + seconds };
  const secondsLeft = ((settings.epochs - epoch) * next.seconds) / epoch;
  const { epochs } = settings;
  const { steps } = plan;
  report({
    kind: "epoch",
    epoch,
    epochs,
    step: steps,
    steps,
    loss: line.loss,
    interactionsPerSecond,
    secondsLeft,
    validation,
  });
  return next;
}

function diverged(epoch: number, step: number): RuntimeFailure {
  const message = `the loss is no longer a number at epoch ${epoch}, step ${step + 1}; lower training.learningRate`;
  return new RuntimeFailure("diverged", message, { epoch, step });
}

const message = ({ config }: ModelStart, text: string): TrainProgress =>
  sentence(text, config.training.epochs);

function resultOf(options: TrainOptions, state: State, { manifest }: ModelStart): TrainResult {
  const { history, bestEpoch, seconds } = state;
  const validation = history[bestEpoch - 1]?.validation ?? {};
  return {
    run: options.out,
    bestEpoch: bestEpoch || manifest.bestEpoch,
    epochs: history.length,
    seconds: seconds || manifest.seconds.train,
    validation,
  };
}
