/** @file Weights and what is needed to change them: one program step, the optimizer, the moving average. */

import { type Batch, type Epoch, emptyBatch, fillBatch } from "../data/batches.ts";
import { type NegativeOptions, type Negatives, negativeSampler } from "../data/negatives.ts";
import type { Sequences } from "../data/sequences.ts";
import { partOf, type RecipeConfig } from "../models/config.ts";
import { drawnShape, type Sampling } from "../models/define.ts";
import { type TrainStep, trainStep } from "../models/train-step.ts";
import { countItems } from "../retrieval/popularity.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { callInThread } from "../runtime/thread.ts";
import type { Tensor } from "../tensor/spec.ts";
import { createRowFeed } from "./row-feed.ts";
import { applyUpdate, wholeGradients } from "./update.ts";

/** Everything about the weights that a checkpoint must hold. */
export interface Weights {
  readonly params: Record<string, Tensor>;
  /** Optimizer state: slot name → parameter name → array. */
  readonly slots: Record<string, Record<string, Tensor>>;
  /** Moving average of the parameters; null where none is kept. */
  readonly average: Record<string, Tensor> | null;
  /** Updates so far. */
  step: number;
}

export interface LearnerOptions {
  readonly config: RecipeConfig;
  readonly items: number;
  /** The training histories, which first values may be taken from. */
  readonly sequences: Sequences;
  readonly rows: number;
  readonly seed: number;
  readonly threads: number;
  readonly runtime: Runtime;
}

export interface Learner {
  readonly weights: Weights;
  /** One update; returns the mean loss over the step's tokens. */
  update(epoch: Epoch, step: number, learningRate: number): Promise<{ loss: number; tokens: number }>;
  /** The weights to evaluate: the average where one is kept. */
  evaluated(): Record<string, Tensor>;
  dispose(): Promise<void>;
}

export async function createLearner(options: LearnerOptions, restored?: Weights): Promise<Learner> {
  const { config, items, rows, threads, runtime, seed } = options;
  const width = config.training.rowLength;
  const step = trainStep(config, { items, rows, width });
  const program = await runtime.compile(step.graph, {
    threads,
    device: config.training.device,
    params: "fed",
  });
  const weights = restored ? shareAll(restored) : await startWeights(step, options);
  const batch = emptyBatch({ rows, width });
  const draw = step.sampling && negativeSampler(samplerOptions(step.sampling, options));
  const rowFeed = step.fedRows && createRowFeed(step.fedRows, items);
  return {
    weights,
    evaluated: () => weights.average ?? weights.params,
    async update(epoch, index, learningRate) {
      const tokens = fillBatch(epoch, index, batch);
      const drawn = draw?.(weights.step, batch);
      const { item, target, weight } = batch;
      const read = [{ items: item, weight }, { items: target, weight }, ...(drawn ? [drawn] : [])];
      const tables = { ...weights.params, ...rowFeed?.read(read, weights.params) };
      const feeds = {
        ...tables,
        ...batchFeeds(batch, rows, width),
        ...(drawn && negativeFeeds(drawn, step.sampling!)),
      };
      const outputs = await program.run(feeds, { seed, index: weights.step });
      weights.step++;
      await applyUpdate(config, weights, wholeGradients(step, outputs), { learningRate, rowFeed });
      return { loss: (outputs.loss!.data as Float32Array)[0]!, tokens };
    },
    dispose: () => program.dispose(),
  };
}

const samplerOptions = (
  { draws, power, each, from }: Sampling,
  { config, items, sequences, rows, seed }: LearnerOptions,
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

/** Arrays on shared memory go to the worker without being copied into a message. */
const sharedArray = (elements: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * elements));

function shared({ data, shape }: Tensor): Tensor {
  const copy = sharedArray(data.length);
  copy.set(data as Float32Array);
  return { data: copy, shape };
}

const shareEach = (tensors: Record<string, Tensor>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, shared(t)]));

const shareAll = (weights: Weights): Weights => ({
  ...weights,
  params: shareEach(weights.params),
  average: weights.average && shareEach(weights.average),
});

async function startWeights(
  { params: declared }: TrainStep,
  { config, items, sequences, seed }: LearnerOptions,
): Promise<Weights> {
  const params = declared.initialize(seed, sharedArray);
  const own = Object.entries(params).filter(([name]) => name.startsWith("items."));
  const values = Object.fromEntries(
    own.map(([name, t]) => [name.slice("items.".length), t.data as Float32Array]),
  );
  const encoder = partOf("items", config.items.name);
  const input = { sequences, count: items, seed, params: values, inThread: callInThread };
  await encoder.start?.(input, config.items as never);
  const zeros = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(params).map(([name, { data, shape }]) => [
        name,
        { data: new Float32Array(data.length), shape },
      ]),
    );
  const { slots } = partOf("optimizer", config.optimizer.name);
  return {
    params,
    slots: Object.fromEntries(slots.map((slot) => [slot, zeros()])),
    average: config.training.averaging > 0 ? shareEach(params) : null,
    step: 0,
  };
}

function batchFeeds(batch: Batch, rows: number, width: number): Record<string, Tensor> {
  const { item, target, position, segment, weight } = batch;
  return Object.fromEntries(
    Object.entries({ item, target, position, segment, weight }).map(([name, data]) => [
      name,
      { data, shape: [rows, width] },
    ]),
  );
}
