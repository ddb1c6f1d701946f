/** @file A training step of so many rows: its graph compiled, and what it is fed. */
import { type Batch, emptyBatch } from "../data/batches.ts";
import { hitMarker } from "../data/hits.ts";
import { type NegativeOptions, type Negatives, negativeSampler } from "../data/negatives.ts";
import { drawnShape, type Networks, type Sampling } from "../models/define.ts";
import { derivesItems } from "../models/trace.ts";
import {
  predictionShape,
  predictionsOf,
  type StepSize,
  type TrainStep,
  trainStep,
} from "../models/train-step.ts";
import { countItems } from "../retrieval/popularity.ts";
import type { Draw, Fetches, Program } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { LearnerOptions, Weights } from "./learner.ts";
import { createRowFeed, type RowFeed } from "./row-feed.ts";
import { stepShape, stepSize } from "./step-size.ts";

export interface StepProgram {
  readonly rows: number;
  readonly step: TrainStep;
  /** To be filled before `feed`. */
  readonly batch: Batch;
  /** null where the step is fed whole tables. */
  readonly rowFeed: RowFeed | null;
  /** The step over weights, batch and the negatives drawn for it; gradients are those of `step`. */
  run(weights: Weights, draw: Draw): Promise<{ readonly step: TrainStep; readonly outputs: Fetches }>;
  dispose(): Promise<void>;
}

export interface StepOptions extends LearnerOptions {
  /** The constants of the item encoder, by the names of the parameters. */
  readonly constants: Readonly<Record<string, Tensor>>;
  /** The pretrained networks that the item encoder is made of. */
  readonly networks: Networks;
}

/** Traces and compiles a step of so many rows. */
export async function openStep(options: StepOptions, rows: number): Promise<StepProgram> {
  const { config, items, sequences, threads, runtime, constants, networks } = options;
  const { device } = config.training;
  const shape = stepShape(config, rows, sequences);
  const size = { ...stepSize(shape, items), cold: options.cold };
  const step = trainStep(config, size, networks);
  const { sampling, fedRows } = step;
  const most = fedRows?.count ?? items;
  const programs = new Map<number, Promise<Compiled>>();
  const compiled = async (traced: TrainStep): Promise<Compiled> => {
    storeConstants(traced, constants);
    const { graph } = traced;
    return { step: traced, program: await runtime.compile(graph, { threads, device, params: "trained" }) };
  };
  /** The step that is fed so many rows; compiled when it is first asked for. */
  const fedWith = (fed: number): Promise<Compiled> => {
    const traced = (): TrainStep => (fed === most ? step : trainStep(config, { ...size, fed }, networks));
    const known = programs.get(fed) ?? compiled(traced());
    programs.set(fed, known);
    return known;
  };
  const grows = fedRows !== null && derivesItems(config);
  if (!grows) await fedWith(most);
  const batch = emptyBatch(shape);
  const draw = sampling && negativeSampler(samplerOptions(sampling, options, size));
  const mark = sampling && createMarker(sampling, options, size);
  const rowFeed = fedRows && createRowFeed(fedRows, items);
  return {
    rows,
    step,
    batch,
    rowFeed,
    async run(weights, random) {
      const drawn = draw?.(weights.step, batch);
      const hits = drawn && mark?.(batch, drawn.items); // before the row feed numbers items anew
      const { item, segment, target, weight } = batch;
      const inputs = [
        { items: item, real: segment },
        { items: target, real: weight },
      ];
      const read = rowFeed?.number(drawn ? [...inputs, drawn] : inputs) ?? 0;
      const fed = grows ? fedCount(read, most) : most;
      const { step: traced, program } = await fedWith(fed);
      const feeds = {
        ...weights.params,
        ...rowFeed?.feeds({ ...weights.params, ...constants }, fed),
        ...batchFeeds(batch, size, step),
        ...(drawn && negativeFeeds(drawn, hits, sampling!)),
      };
      return { step: traced, outputs: await program.run(feeds, random) };
    },
    async dispose() {
      for (const each of programs.values()) await (await each).program.dispose();
    },
  };
}

interface Compiled {
  readonly step: TrainStep;
  readonly program: Program;
}

/** Sizes of which there is a program each, where vectors are computed for every row that is fed. */
const sizes = 16;

/** Rows to feed where so many are read, of `most` that a step can read. */
function fedCount(read: number, most: number): number {
  const unit = Math.ceil(most / sizes);
  return Math.min(most, Math.ceil(read / unit) * unit);
}

/** Constants are compiled in, but for those of which a step is fed rows; some have values since they were traced. */
function storeConstants({ graph, fedRows }: TrainStep, constants: StepOptions["constants"]): void {
  for (const name of [...graph.frozen]) {
    if (fedRows?.tables.includes(name)) graph.frozen.delete(name);
    else graph.params.get(name)!.data ??= constants[name]!;
  }
}

const samplerOptions = (
  { draws, power, each, from }: Sampling,
  { items, sequences, seed, cold: absent }: LearnerOptions,
  size: StepSize,
): NegativeOptions => {
  const times = each === "token" ? predictionsOf(size) : 1;
  const counts = countItems(sequences.sequence, items);
  return { draws, times, power, from, items, seed, absent, counts };
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
