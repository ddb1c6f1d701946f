/** @file One way of TPME, trained and evaluated in a process of its own: prints its figures as JSON. */
import { readFile, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import { join } from "node:path";
import { readTensors } from "../src/data/tensors.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import { runFiles } from "../src/evaluation/run-folder.ts";
import { count } from "../src/tensor/spec.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { type TrainProgress, train } from "../src/training/train.ts";
import { median, peakMegabytes, rounded } from "./machine.ts";
import { configOf, type Encoders, type Way } from "./tpme-models.ts";

export interface TpmeCase {
  readonly way: Way;
  readonly data: string;
  readonly out: string;
  readonly encoders: Encoders;
  readonly seed: number;
  /** Settings of all ways, `training.threads` among them. */
  readonly set: Readonly<Record<string, unknown>>;
}

/** What a way has cost and what it was good for. */
export interface TpmeRow {
  readonly way: Way;
  readonly trainedParameters: number;
  /** Of all steps of an epoch, medians over epochs: by the clock, and of the processor. */
  readonly epochSeconds: number;
  readonly epochProcessorSeconds: number;
  /** An epoch's, by the clock, with encoding all items and validation. */
  readonly validatedEpochSeconds: number;
  readonly steps: number;
  readonly peakMegabytes: number;
  /** The peak less what the process held before training began. */
  readonly beyondMegabytes: number;
  readonly losses: readonly number[];
  readonly bestEpoch: number;
  readonly validation: Readonly<Record<string, number>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly popularity: number;
  /** Of the machine, one minute, when training was done: what ran beside. */
  readonly load: number;
}

interface Moment {
  readonly seconds: number;
  readonly processor: number;
}

function now(): Moment {
  const { user, system } = process.cpuUsage();
  return { seconds: performance.now() / 1000, processor: (user + system) / 1e6 };
}

/**
 * Takes the time of steps: those between reports of one epoch, which leaves out its first one, since validation and
 * checkpoints are in it. An epoch takes the mean of its steps as often as there are steps.
 */
function stepClock() {
  const epochs: Moment[] = [];
  let first: Moment | null = null;
  let steps = 0;
  return {
    see({ kind, step, steps: all }: TrainProgress): void {
      if (kind !== "step") return;
      steps = all;
      if (step === 1) first = now();
      if (step !== all || first === null || all === 1) return;
      const last = now();
      const scale = all / (all - 1);
      epochs.push({
        seconds: scale * (last.seconds - first.seconds),
        processor: scale * (last.processor - first.processor),
      });
    },
    result: () => ({
      steps,
      epochSeconds: rounded(median(epochs.map(({ seconds }) => seconds))),
      epochProcessorSeconds: rounded(median(epochs.map(({ processor }) => processor))),
    }),
  };
}

/** Numbers that are trained: those of which the checkpoint holds the mean gradient. */
async function trainedParameters(run: string): Promise<number> {
  const { tensors } = await readTensors(join(run, runFiles.checkpoint));
  const slots = Object.entries(tensors).filter(([name]) => name.startsWith("slot/m/"));
  return slots.reduce((total, [, { shape }]) => total + count(shape), 0);
}

async function epochLines(run: string): Promise<{ loss: number; seconds: number }[]> {
  const lines = (await readFile(join(run, runFiles.metrics), "utf8")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Trains a way from the start, and evaluates it on test. */
export async function measure({ way, data, out, encoders, seed, set }: TpmeCase): Promise<TpmeRow> {
  await rm(out, { recursive: true, force: true });
  const before = await peakMegabytes();
  const clock = stepClock();
  const { bestEpoch, validation } = await train({
    data,
    out,
    seed,
    recipe: "iisan",
    config: configOf(way, encoders),
    set: Object.entries(set).map(([path, value]) => ({ path, value })),
    onProgress: clock.see,
  });
  const [peak, load] = [await peakMegabytes(), loadavg()[0]!];
  const lines = await epochLines(out);
  const evaluation = await evaluateRun({ run: out, data, openScorer, threads: 1 });
  return {
    way,
    trainedParameters: await trainedParameters(out),
    ...clock.result(),
    validatedEpochSeconds: rounded(median(lines.map(({ seconds }) => seconds))),
    peakMegabytes: peak,
    beyondMegabytes: rounded(peak - before),
    losses: lines.map(({ loss }) => loss),
    bestEpoch,
    validation,
    metrics: evaluation.metrics,
    popularity: evaluation.baselines.popularity!["NDCG@10"]!,
    load: rounded(load),
  };
}

if (process.argv[1] === import.meta.filename)
  process.stdout.write(JSON.stringify(await measure(JSON.parse(process.argv[2]!) as TpmeCase)));
