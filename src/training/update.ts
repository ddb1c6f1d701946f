/** @file One update of the weights: whole gradients out of a step's outputs, the optimizer, the moving average. */
import { partOf, type RecipeConfig } from "../models/config.ts";
import type { TrainStep } from "../models/train-step.ts";
import { breather } from "../runtime/breather.ts";
import { count, knownShape, type Tensor } from "../tensor/spec.ts";
import type { Weights } from "./learner.ts";
import type { RowFeed } from "./row-feed.ts";

/** Gradients by parameter, of what was fed: the dense parts, with the rows of look-ups added at their places. */
export function wholeGradients(
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

/** Calls `work` for stretches of a parameter. */
type Stretches = (
  size: number,
  work: (part: (values: Float32Array) => Float32Array) => void,
) => Promise<void>;

/** What one parameter is updated by. */
interface Update {
  readonly param: Float32Array;
  readonly gradient: Float32Array;
  readonly slots: Readonly<Record<string, Float32Array>>;
}

export interface UpdateOptions {
  readonly learningRate: number;
  readonly rowFeed: RowFeed | null;
  /** Step sizes as a share of the learning rate, of the parameters for which it is not 1. */
  readonly rates: ReadonlyMap<string, number>;
}

/**
 * Updates the parameters that have gradients in place. Of tables that were fed by rows, rows that were not read stay as
 * they are, and so does their optimizer state (lazy updates): their means do not decay until the rows are read again.
 * With `training.updates` "all" the gradient of such rows is zero instead.
 */
export async function applyUpdate(
  config: RecipeConfig,
  weights: Weights,
  gradients: Record<string, Float32Array>,
  { learningRate: usual, rowFeed, rates }: UpdateOptions,
): Promise<void> {
  const optimizer = partOf("optimizer", config.optimizer.name);
  const inStretches = stretches(optimizer.elementwise);
  const lazy = config.training.updates === "read";
  for (const [name, gradient] of Object.entries(gradients)) {
    const tensor = weights.params[name]!;
    const learningRate = usual * (rates.get(name) ?? 1);
    const fed = rowFeed?.tables.has(name) ? rowFeed : null;
    const byRows = lazy ? fed : null;
    const values = (t: Tensor): Float32Array => byRows?.copy(t) ?? (t.data as Float32Array);
    const slots = Object.entries(weights.slots).map(([slot, tensors]) => [slot, tensors[name]!] as const);
    const update: Update = {
      param: values(tensor),
      gradient: fed && !lazy ? fed.spread(gradient, tensor) : gradient,
      slots: Object.fromEntries(slots.map(([slot, t]) => [slot, values(t)])),
    };
    await inStretches(update.param.length, (part) => {
      const parts = Object.entries(update.slots).map(([slot, v]) => [slot, part(v)]);
      const given = { param: part(update.param), gradient: part(update.gradient) };
      const input = { ...given, slots: Object.fromEntries(parts), step: weights.step, learningRate };
      optimizer.update(input, config.optimizer as never);
    });
    byRows?.put(update.param, tensor);
    for (const [slot, t] of slots) byRows?.put(update.slots[slot]!, t);
    if (weights.average) await average(config, weights, name, inStretches);
  }
}

async function average(
  { training: { averaging } }: RecipeConfig,
  weights: Weights,
  name: string,
  inStretches: Stretches,
): Promise<void> {
  // Early updates weigh more, so that the average forgets the random start.
  const decay = Math.min(averaging, (1 + weights.step) / (10 + weights.step));
  const [mean, value] = [weights.average![name]!, weights.params[name]!].map((t) => t.data as Float32Array);
  await inStretches(mean!.length, (part) => mixInto(part(mean!), part(value!), decay));
}

/** Work in stretches, between which the event loop gets its turn. */
function stretches(elementwise: boolean): Stretches {
  const breathe = breather(8); // each turn costs about a millisecond
  return async (size, work) => {
    const length = elementwise ? stretch : size;
    for (let from = 0; from < size; from += length) {
      work((values) => values.subarray(from, Math.min(from + length, size)));
      await breathe();
    }
  };
}

/** average ← decay · average + (1 − decay) · value. */
function mixInto(average: Float32Array, value: Float32Array, decay: number): void {
  for (let i = 0; i < average.length; i++) average[i] = decay * average[i]! + (1 - decay) * value[i]!;
}
