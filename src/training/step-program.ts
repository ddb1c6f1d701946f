/** @file A training step of so many rows: its graph compiled, and what it is fed. */
import { type Batch, emptyBatch } from "../data/batches.ts";
import { type NegativeOptions, type Negatives, negativeSampler } from "../data/negatives.ts";
import { drawnShape, type Sampling } from "../models/define.ts";
import { type TrainStep, trainStep } from "../models/train-step.ts";
import { countItems } from "../retrieval/popularity.ts";
import type { Feeds, Program } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { LearnerOptions, Weights } from "./learner.ts";
import { createRowFeed, type RowFeed } from "./row-feed.ts";

export interface StepProgram {
  readonly rows: number;
  readonly step: TrainStep;
  readonly program: Program;
  /** To be filled before `feed`. */
  readonly batch: Batch;
  /** null where the step is fed whole tables. */
  readonly rowFeed: RowFeed | null;
  /** The weights, the batch, and the negatives drawn for it. */
  feed(weights: Weights): Feeds;
  dispose(): Promise<void>;
}

/** Traces and compiles a step of `rows` packed rows. */
export async function openStep(options: LearnerOptions, rows: number): Promise<StepProgram> {
  const { config, items, threads, runtime } = options;
  const { rowLength: width, device } = config.training;
  const step = trainStep(config, { items, rows, width });
  const program = await runtime.compile(step.graph, { threads, device, params: "fed" });
  const batch = emptyBatch({ rows, width });
  const draw = step.sampling && negativeSampler(samplerOptions(step.sampling, options, rows));
  const rowFeed = step.fedRows && createRowFeed(step.fedRows, items);
  return {
    rows,
    step,
    program,
    batch,
    rowFeed,
    feed(weights) {
      const drawn = draw?.(weights.step, batch);
      const { item, target, weight } = batch;
      const read = [{ items: item, weight }, { items: target, weight }, ...(drawn ? [drawn] : [])];
      return {
        ...weights.params,
        ...rowFeed?.read(read, weights.params),
        ...batchFeeds(batch, rows, width),
        ...(drawn && negativeFeeds(drawn, step.sampling!)),
      };
    },
    dispose: () => program.dispose(),
  };
}

const samplerOptions = (
  { draws, power, each, from }: Sampling,
  { config, items, sequences, seed }: LearnerOptions,
  rows: number,
): NegativeOptions => {
  const times = each === "token" ? rows * config.training.rowLength : 1;
  return { draws, times, power, from, items, seed, counts: countItems(sequences.sequence, items) };
};

const negativeFeeds = ({ items, correction }: Negatives, sampling: Sampling): Record<string, Tensor> => {
  const shape = drawnShape(sampling, items.length / sampling.draws);
  return {
    negatives: { data: items, shape },
    correction: { data: correction, shape },
  };
};

function batchFeeds(batch: Batch, rows: number, width: number): Record<string, Tensor> {
  const { item, target, position, segment, weight } = batch;
  return Object.fromEntries(
    Object.entries({ item, target, position, segment, weight }).map(([name, data]) => [
      name,
      { data, shape: [rows, width] },
    ]),
  );
}
