/** @file Weights and what is needed to change them: one program step, the optimizer, the moving average. */

import { type Epoch, fillBatch } from "../data/batches.ts";
import type { Sequences } from "../data/sequences.ts";
import { termConstants } from "../models/auxiliary/terms.ts";
import { partOf, type RecipeConfig } from "../models/config.ts";
import type { Networks } from "../models/define.ts";
import { type ItemContent, noContent } from "../models/items/content.ts";
import { itemScopes, networksOf } from "../models/trace.ts";
import type { TrainStep } from "../models/train-step.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { callInThread } from "../runtime/thread.ts";
import type { Tensor } from "../tensor/spec.ts";
import { openStep, type StepProgram } from "./step-program.ts";
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
  /** 1 for items that are kept from training: they are no negatives either. */
  readonly cold?: Uint8Array | undefined;
  /** What the data knows of the items; default: nothing. */
  readonly content?: ItemContent | undefined;
  /** Values of weights and constants, by name, in the place of those that they would start with. */
  readonly carried?: Readonly<Record<string, Tensor>> | undefined;
  /** Rows of a step (R), as many as its epochs have. */
  readonly rows: number;
  readonly seed: number;
  readonly threads: number;
  readonly runtime: Runtime;
}

export interface Learner {
  readonly weights: Weights;
  /** What the item encoder and the terms of the loss are given beside weights, by the names of the parameters. */
  readonly constants: Readonly<Record<string, Tensor>>;
  /** One update; returns the mean loss over the step's tokens. */
  update(epoch: Epoch, step: number, learningRate: number): Promise<{ loss: number; tokens: number }>;
  /** The weights to evaluate: the average where one is kept. */
  evaluated(): Record<string, Tensor>;
  /** These, and the constants that are no rows of items: what makes vectors of other items. */
  kept(): Record<string, Tensor>;
  dispose(): Promise<void>;
}

export async function createLearner(options: LearnerOptions, restored?: Weights): Promise<Learner> {
  const { config, rows, seed } = options;
  const content = options.content ?? noContent(options.sequences, options.items);
  const own = { ...(await itemConstants(config, content)), ...(await termConstants(config, content)) };
  const constants = replaced(own, options.carried);
  const networks = await itemNetworks(config, content);
  const stepOptions = { ...options, constants, networks };
  const full = await openStep(stepOptions, rows);
  const { tables, rates } = full.step.params;
  const fixed = Object.fromEntries(Object.entries(constants).filter(([name]) => !tables.has(name)));
  const weights = restored ? shareAll(restored) : await startWeights(full.step, { ...options, content });
  let rest: StepProgram | null = null;

  /**
   * The program for a step: an epoch's last step of few packed rows has a smaller one of its own, but not where networks are
   * part of it, since these cost the same in few rows, and a second program holds all of their states again.
   */
  async function programFor(epoch: Epoch, index: number): Promise<StepProgram> {
    const left = epoch.rows - index * rows;
    const { padded, masked } = epoch.options;
    if (padded || masked || networks.size > 0 || left > rows / 2) return full;
    if (rest?.rows !== left) {
      await rest?.dispose();
      rest = await openStep(stepOptions, left);
    }
    return rest;
  }

  return {
    weights,
    constants,
    evaluated: () => weights.average ?? weights.params,
    kept: () => ({ ...(weights.average ?? weights.params), ...fixed }),
    async update(epoch, index, learningRate) {
      const { batch, rowFeed, run } = await programFor(epoch, index);
      const tokens = fillBatch(epoch, index, batch);
      const { step, outputs } = await run(weights, { seed, index: weights.step });
      weights.step++;
      await applyUpdate(config, weights, wholeGradients(step, outputs), { learningRate, rowFeed, rates });
      return { loss: (outputs.loss!.data as Float32Array)[0]!, tokens };
    },
    async dispose() {
      await Promise.all([full.dispose(), rest?.dispose()]);
    },
  };
}

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

/** The tensors, those that were carried in the place of others. */
const replaced = (own: Record<string, Tensor>, carried: LearnerOptions["carried"]): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(own).map(([name, tensor]) => [name, carried?.[name] ?? tensor]));
/** The pretrained networks that the item encoder is made of. */
export async function itemNetworks(config: RecipeConfig, content: ItemContent): Promise<Networks> {
  const names = [...new Set(networksOf(config))];
  const opened = await Promise.all(names.map(async (name) => [name, await content.network(name)] as const));
  return new Map(opened);
}

/** The constants of the item encoders, by the names of the parameters. */
export async function itemConstants(
  config: RecipeConfig,
  content: ItemContent,
): Promise<Record<string, Tensor>> {
  const { items } = config;
  const own = (await partOf("items", items.name).constants?.(content, items as never)) ?? {};
  const each = itemScopes(config).flatMap((scope) =>
    Object.entries(own).map(([name, tensor]) => [`${scope}.${name}`, tensor] as const),
  );
  return Object.fromEntries(each);
}

/** Changes the first values of the item encoders, where the data says something better than noise. */
async function startItems(
  params: Readonly<Record<string, Tensor>>,
  { config, items, sequences, content, seed }: LearnerOptions & { readonly content: ItemContent },
): Promise<void> {
  const encoder = partOf("items", config.items.name);
  for (const scope of itemScopes(config)) {
    const own = Object.entries(params).filter(([name]) => name.startsWith(`${scope}.`));
    const values = Object.fromEntries(
      own.map(([name, t]) => [name.slice(scope.length + 1), t.data as Float32Array]),
    );
    const input = { sequences, content, count: items, seed, params: values, inThread: callInThread };
    await encoder.start?.(input, config.items as never);
  }
}

async function startWeights(
  { params: declared, gradients }: TrainStep,
  options: LearnerOptions & { readonly content: ItemContent },
): Promise<Weights> {
  const { config, seed, carried } = options;
  const params = declared.initialize(seed, sharedArray);
  await startItems(params, options);
  for (const [name, { data }] of Object.entries(params))
    if (carried?.[name]) (data as Float32Array).set(carried[name].data as Float32Array);
  const zeros = (): Record<string, Tensor> =>
    Object.fromEntries(
      gradients.map(({ param }) => {
        const { data, shape } = params[param]!;
        return [param, { data: new Float32Array(data.length), shape }];
      }),
    );
  const { slots } = partOf("optimizer", config.optimizer.name);
  return {
    params,
    slots: Object.fromEntries(slots.map((slot) => [slot, zeros()])),
    average: config.training.averaging > 0 ? shareEach(params) : null,
    step: 0,
  };
}
