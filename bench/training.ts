/** @file Training speed beside PyTorch on the same data in the same run, turn by turn. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { median, rounded, spread } from "./machine.ts";
import { openShared, openTrainer, type Trainer } from "./session.ts";

const run = promisify(execFile);

export interface TrainingBenchOptions {
  readonly shared: string;
  readonly threads: number;
  readonly rounds?: number;
  readonly onProgress?: (message: string) => void;
}

interface TorchLine {
  readonly torch: string;
  readonly step_ms: number;
  readonly interactions_per_second: number;
}

type Batching = "padded" | "packed";

async function torch(shared: string, batching: Batching, threads: number): Promise<TorchLine | null> {
  const script = join(shared, "bench", "pytorch_sasrec.py");
  const data = join(shared, "data", "amazon-beauty");
  const args = [script, "--data", data, "--batching", batching, "--threads", String(threads), "--steps", "6"];
  return run("/usr/bin/python3", args).then(
    ({ stdout }) => JSON.parse(stdout) as TorchLine,
    (error: Error & { stderr?: string }) => {
      if (/No module named 'torch'/.test(error.stderr ?? "")) return null;
      throw error;
    },
  );
}

/** Tokens in a step of the reference program, packed: 128 rows of 64. */
const referenceTokens = 8192;

/**
 * Interactions a second on Amazon Beauty, turn by turn with PyTorch padded and packed: the default recipe, and the same
 * model at the reference program's own settings (d = 64, 2 blocks, 1 head, dropout .5, dot product) and step size.
 */
export async function benchTraining(options: TrainingBenchOptions): Promise<Record<string, unknown>> {
  const { shared, threads, rounds = 5, onProgress } = options;
  const dataset = await openShared(join(shared, "data", "amazon-beauty"));
  const same = {
    "items.dim": 64,
    "backbone.blocks": 2,
    "backbone.heads": 1,
    "backbone.hidden": 1,
    "backbone.activation": "relu",
  };
  const reference = {
    ...same,
    "backbone.dropout": 0.5,
    "scoring.similarity": "dot",
    "training.batchTokens": referenceTokens,
  };
  const ours: Record<string, Measured> = {};
  for (const [name, settings] of Object.entries({ recipe: {}, reference })) {
    const set = Object.entries(settings).map(([path, value]) => ({ path, value }));
    ours[name] = { trainer: await openTrainer(dataset, threads, set), speeds: [], steps: [] };
  }
  const theirs: Record<Batching, number[]> = { padded: [], packed: [] };
  let version: string | null = null;
  for (let round = 1; round <= rounds; round++) {
    onProgress?.(`round ${round} of ${rounds}`);
    for (const { trainer, speeds, steps } of Object.values(ours)) {
      const measured = await trainer.measure(12);
      speeds.push(measured.interactionsPerSecond);
      steps.push(measured.stepMilliseconds);
    }
    for (const batching of ["padded", "packed"] as const) {
      const line = await torch(shared, batching, threads);
      if (!line) continue;
      version = line.torch;
      theirs[batching].push(line.interactions_per_second);
    }
  }
  const ratio = (speeds: readonly number[], batching: Batching) =>
    version === null ? null : rounded(median(speeds) / median(theirs[batching]));
  const sequitur = Object.entries(ours).map(([name, { trainer, speeds, steps }]) => ({
    settings: name === "recipe" ? "defaults of the recipe" : "those of the reference program",
    batchTokens: trainer.config.training.batchTokens,
    interactionsPerSecond: spread(speeds),
    stepMilliseconds: spread(steps),
    timesPyTorchPadded: ratio(speeds, "padded"),
    timesPyTorchPacked: ratio(speeds, "packed"),
  }));
  for (const { trainer } of Object.values(ours)) await trainer.runtime.dispose();
  const pytorch = version && { version, padded: spread(theirs.padded), packed: spread(theirs.packed) };
  const peakGigabytes = rounded(process.resourceUsage().maxRSS / 2 ** 20);
  const { items } = ours.recipe!.trainer;
  return {
    data: "amazon-beauty",
    items,
    threads,
    rounds,
    sequitur,
    pytorch: pytorch ?? "python3-torch is not installed",
    peakGigabytes,
  };
}

interface Measured {
  readonly trainer: Trainer;
  readonly speeds: number[];
  readonly steps: number[];
}
