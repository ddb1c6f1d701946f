/** @file A training step of so many rows: its graph compiled, and what it is fed. */
import { type Batch, emptyBatch } from "../data/batches.ts";
import { hitMarker } from "../data/hits.ts";
import { type NegativeOptions, type Negatives, negativeSampler } from "../data/negatives.ts";
import { drawnShape, type Sampling } from "../models/define.ts";
import {
  predictionShape,
  predictionsOf,
  type StepSize,
  type TrainStep,
  trainStep,
} from "../models/train-step.ts";
import { countItems } from "../retrieval/popularity.ts";
import type { Feeds, Program } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { LearnerOptions, Weights } from "./learner.ts";
import { createRowFeed, type RowFeed } from "./row-feed.ts";
import { stepShape, stepSize } from "./step-size.ts";

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

export interface StepOptions extends LearnerOptions {
  /** The constants of the item encoder, by the names of the parameters. */
  readonly constants: Readonly<Record<string, Tensor>>;
}

/** Traces and compiles a step of so many rows. */
export async function openStep(options: StepOptions, rows: number): Promise<StepProgram> {
  const { config, items, sequences, threads, runtime, constants } = options;
  const { device } = config.training;
  const shape = stepShape(config, rows, sequences);
  const size = stepSize(shape, items);
  const step = trainStep(config, size);
  storeConstants(step, constants);
  const program = await runtime.compile(step.graph, { threads, device, params: "trained" });
  const batch = emptyBatch(shape);
  const draw = step.sampling && negativeSampler(samplerOptions(step.sampling, options, size));
  const mark = step.sampling && createMarker(step.sampling, options, size);
  const rowFeed = step.fedRows && createRowFeed(step.fedRows, items);
  return {
    rows,
    step,
    program,
    batch,
    rowFeed,
    feed(weights) {
      const drawn = draw?.(weights.step, batch);
      const hits = drawn && mark?.(batch, drawn.items); // before the row feed numbers items anew
      const { item, segment, target, weight } = batch;
      const inputs = [
        { items: item, real: segment },
        { items: target, real: weight },
      ];
      const read = drawn ? [...inputs, drawn] : inputs;
      return {
        ...weights.params,
        ...rowFeed?.read(read, { ...weights.params, ...constants }),
        ...batchFeeds(batch, size, step),
        ...(drawn && negativeFeeds(drawn, hits, step.sampling!)),
      };
    },
    dispose: () => program.dispose(),
  };
}

/** Constants are compiled in, but for those of which a step is fed rows. */
function storeConstants({ graph, fedRows }: TrainStep, constants: StepOptions["constants"]): void {
  for (const name of [...graph.frozen]) {
    if (fedRows?.tables.includes(name)) graph.frozen.delete(name);
    else graph.params.get(name)!.data = constants[name]!;
  }
}

const samplerOptions = (
  { draws, power, each, from }: Sampling,
  { items, sequences, seed }: LearnerOptions,
  size: StepSize,
): NegativeOptions => {
  const times = each === "token" ? predictionsOf(size) : 1;
  return { draws, times, power, from, items, seed, counts: countItems(sequences.sequence, items) };
};

/** Marks the draws that are in their tokens' histories, where the loss leaves those out. */
const createMarker = (
  { draws, each, leaveOut }: Sampling,
  { items, sequences }: LearnerOptions,
  size: StepSize,
) => {
  const predictions = predictionsOf(size);
  return leaveOut === "history" ? hitMarker({ sequences, items, draws, each, predictions }) : null;
};

const negativeFeeds = (
  { items, correction }: Negatives,
  hits: Uint8Array | undefined,
  sampling: Sampling,
): Record<string, Tensor> => {
  const { draws } = sampling;
  const shape = drawnShape(sampling, items.length / draws);
  return {
    negatives: { data: items, shape },
    correction: { data: correction, shape },
    ...(hits && { hits: { data: hits, shape: [hits.length / draws, draws] } }),
  };
};

function batchFeeds(batch: Batch, size: StepSize, { graph }: TrainStep): Record<string, Tensor> {
  const tokens = [size.rows, size.width];
  const predictions = predictionShape(size);
  const { item, position, segment, met, next, place, target, weight } = batch;
  return {
    item: { data: item, shape: tokens },
    segment: { data: segment, shape: tokens },
    ...(graph.inputs.has("position") && { position: { data: position, shape: tokens } }),
    ...(met && graph.inputs.has("met") && { met: { data: met, shape: tokens } }),
    ...(next && graph.inputs.has("next") && { next: { data: next, shape: tokens } }),
    ...(place && { place: { data: place, shape: predictions } }),
    target: { data: target, shape: predictions },
    weight: { data: weight, shape: predictions },
  };
}
