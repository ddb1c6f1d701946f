/** @file One measurement of memory, in a process of its own: prints the peak of the resident memory as JSON. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { planEpoch } from "../src/data/batches.ts";
import type { Sequences } from "../src/data/sequences.ts";
import { runFiles } from "../src/evaluation/run-folder.ts";
import { recipeConfig } from "../src/models/recipes.ts";
import { workerRuntime } from "../src/runtime/worker.ts";
import { stream } from "../src/tensor/random.ts";
import { createLearner } from "../src/training/learner.ts";
import { type TrainProgress, train } from "../src/training/train.ts";
import { median, rounded } from "./machine.ts";

/** A training step to measure, with random histories. */
export interface StepCase {
  readonly items: number;
  readonly tokens: number;
  readonly threads: number;
  readonly steps: number;
  readonly set: Readonly<Record<string, unknown>>;
}

/** Resident megabytes at most so far. */
const peak = (): number => process.resourceUsage().maxRSS / 1024;

function randomHistories({ items, tokens }: StepCase, length: number): Sequences {
  const histories = Math.ceil(tokens / length) * 2;
  const random = stream(1, "histories");
  return {
    offsets: Int32Array.from({ length: histories + 1 }, (_, h) => h * (length + 1)),
    sequence: Int32Array.from({ length: histories * (length + 1) }, () => random.below(items)),
  };
}

async function measureStep(options: StepCase): Promise<Record<string, number>> {
  const { items, tokens, threads, steps, set } = options;
  const config = recipeConfig({
    set: Object.entries({ "items.start": "noise", ...set }).map(([path, value]) => ({ path, value })),
  });
  const { rowLength: width, maxLength, learningRate } = config.training;
  const sequences = randomHistories(options, maxLength);
  const rows = tokens / width;
  const plan = planEpoch(sequences, { rows, width, maxLength, seed: 0, epoch: 1 });
  const runtime = workerRuntime();
  const before = peak();
  const learner = await createLearner({ config, items, sequences, rows, seed: 0, threads, runtime });
  const { params, slots } = learner.weights;
  const bytes = [params, ...Object.values(slots)].flatMap((tensors) =>
    Object.values(tensors).map(({ data }) => data.byteLength),
  );
  const times: number[] = [];
  const busy: number[] = [];
  for (let step = 0; step < steps; step++) {
    const began = performance.now();
    const used = process.cpuUsage();
    await learner.update(plan, step % plan.steps, learningRate);
    const { user, system } = process.cpuUsage(used);
    times.push(performance.now() - began);
    busy.push((user + system) / 1000);
  }
  const held = bytes.reduce((a, b) => a + b, 0) / 2 ** 20;
  const result = {
    peakMegabytes: rounded(peak(), 4),
    weightsAndOptimizerMegabytes: rounded(held),
    processMegabytes: rounded(before),
    beyondMegabytes: rounded(peak() - held, 4),
    stepMilliseconds: rounded(median(times.slice(1)), 4),
    processorMilliseconds: rounded(median(busy.slice(1)), 4),
  };
  await runtime.dispose();
  return result;
}

/** A whole training, from a dataset folder to a finished run. */
export interface TrainCase {
  readonly data: string;
  readonly out: string;
  readonly set: Readonly<Record<string, unknown>>;
}

async function measureTraining({ data, out, set }: TrainCase): Promise<Record<string, number>> {
  const settings = Object.entries(set).map(([path, value]) => ({ path, value }));
  const began = performance.now();
  let [start, epoch] = [0, 0];
  const onProgress = ({ kind }: TrainProgress): void => {
    if (kind === "step") start ||= peak();
    if (kind === "epoch") epoch = peak();
  };
  await train({ data, out, set: settings, onProgress });
  const [line] = (await readFile(join(out, runFiles.metrics), "utf8")).split("\n");
  const { loss, interactionsPerSecond, seconds } = JSON.parse(line!);
  return {
    peakMegabytes: rounded(peak(), 4),
    untilFirstStepMegabytes: rounded(start, 4),
    untilValidatedMegabytes: rounded(epoch, 4),
    interactionsPerSecond: rounded(interactionsPerSecond, 4),
    epochSeconds: rounded(seconds, 4),
    seconds: rounded((performance.now() - began) / 1000, 4),
    loss: rounded(loss, 5),
  };
}

const given = JSON.parse(process.argv[2]!) as StepCase | TrainCase;
const measured = await ("data" in given ? measureTraining(given) : measureStep(given));
process.stdout.write(JSON.stringify(measured));
