/** @file Weights and what is needed to change them: one program step, the optimizer, the moving average. */

import { type Batch, type Epoch, emptyBatch, fillBatch } from "../data/batches.ts";
import type { Sequences } from "../data/sequences.ts";
import { partOf, type RecipeConfig } from "../models/config.ts";
import { type TrainStep, trainStep } from "../models/steps.ts";
import { breather } from "../runtime/breather.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { callInThread } from "../runtime/thread.ts";
import { count, knownShape, type Tensor } from "../tensor/spec.ts";

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
  return {
    weights,
    evaluated: () => weights.average ?? weights.params,
    async update(epoch, index, learningRate) {
      const tokens = fillBatch(epoch, index, batch);
      const feeds = { ...weights.params, ...batchFeeds(batch, rows, width) };
      const outputs = await program.run(feeds, { seed, index: weights.step });
      weights.step++;
      await applyUpdate(config, weights, wholeGradients(step, outputs), learningRate);
      return { loss: (outputs.loss!.data as Float32Array)[0]!, tokens };
    },
    dispose: () => program.dispose(),
  };
}

/** Arrays on shared memory go to the worker without being copied into a message. */
function shared({ data, shape }: Tensor): Tensor {
  const copy = new Float32Array(new SharedArrayBuffer(data.byteLength));
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
  const params = shareEach(declared.initialize(seed));
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

/** Whole gradients by parameter: the dense parts, with the rows of look-ups added at their places. */
function wholeGradients(
  { gradients, graph }: TrainStep,
  outputs: Record<string, Tensor>,
): Record<string, Float32Array> {
  const whole: Record<string, Float32Array> = {};
  for (const { param, dense, rows } of gradients) {
    const elements = count(knownShape(graph.params.get(param)!.value.shape, param));
    const gradient = dense ? (outputs[dense]!.data as Float32Array) : new Float32Array(elements);
    for (const part of rows) {
      const values = outputs[part.gradient]!.data as Float32Array;
      addRows(gradient, outputs[part.indices]!.data as Int32Array, values);
    }
    whole[param] = gradient;
  }
  return whole;
}

/** gradient[indices[k]] += values[k], row by row. */
function addRows(gradient: Float32Array, indices: Int32Array, values: Float32Array): void {
  const width = values.length / indices.length;
  for (let k = 0; k < indices.length; k++) {
    const to = indices[k]! * width;
    const from = k * width;
    for (let c = 0; c < width; c++) gradient[to + c] = gradient[to + c]! + values[from + c]!;
  }
}

/** Elements that are updated at a stretch where the optimizer is elementwise: a fraction of a millisecond. */
const stretch = 65_536;

async function applyUpdate(
  config: RecipeConfig,
  weights: Weights,
  gradients: Record<string, Float32Array>,
  learningRate: number,
): Promise<void> {
  const optimizer = partOf("optimizer", config.optimizer.name);
  const { averaging } = config.training;
  // Early updates weigh more, so that the average forgets the random start.
  const decay = Math.min(averaging, (1 + weights.step) / (10 + weights.step));
  const breathe = breather();
  for (const [name, tensor] of Object.entries(weights.params)) {
    const size = tensor.data.length;
    const length = optimizer.elementwise ? stretch : size;
    for (let from = 0; from < size; from += length) {
      const part = ({ data }: Tensor): Float32Array => (data as Float32Array).subarray(from, from + length);
      const param = part(tensor);
      const gradient = gradients[name]!.subarray(from, from + length);
      const slots = Object.fromEntries(
        Object.entries(weights.slots).map(([slot, tensors]) => [slot, part(tensors[name]!)]),
      );
      const input = { param, gradient, slots, step: weights.step, learningRate };
      optimizer.update(input, config.optimizer as never);
      if (weights.average) mixInto(part(weights.average[name]!), param, decay);
      await breathe();
    }
  }
}

/** average ← decay · average + (1 − decay) · value. */
function mixInto(average: Float32Array, value: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i]! + (1 - decay) * value[i]!;
}
