/** @file Training speed beside PyTorch on the same data in the same run, turn by turn. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { median, rounded, spread } from "./machine.ts";
import { openShared, openTrainer } from "./session.ts";

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
    () => null,
  );
}

/** Interactions a second of the default recipe on Amazon Beauty, and of PyTorch padded and packed, interleaved. */
export async function benchTraining({
  shared,
  threads,
  rounds = 3,
  onProgress,
}: TrainingBenchOptions): Promise<Record<string, unknown>> {
  const dataset = await openShared(join(shared, "data", "amazon-beauty"));
  const trainer = await openTrainer(dataset, threads);
  const ours: number[] = [];
  const steps: number[] = [];
  const theirs: Record<Batching, number[]> = { padded: [], packed: [] };
  let version: string | null = null;
  for (let round = 1; round <= rounds; round++) {
    onProgress?.(`round ${round} of ${rounds}`);
    const measured = await trainer.measure(12);
    ours.push(measured.interactionsPerSecond);
    steps.push(measured.stepMilliseconds);
    for (const batching of ["padded", "packed"] as const) {
      const line = await torch(shared, batching, threads);
      if (!line) continue;
      version = line.torch;
      theirs[batching].push(line.interactions_per_second);
    }
  }
  await trainer.learner.dispose();
  await trainer.runtime.dispose();
  const versus = (batching: Batching) =>
    version === null
      ? "not measured: python3-torch is not installed"
      : {
          interactionsPerSecond: spread(theirs[batching]),
          ratio: rounded(median(ours) / median(theirs[batching])),
        };
  return {
    data: "amazon-beauty",
    items: trainer.items,
    threads,
    rounds,
    sequitur: {
      interactionsPerSecond: spread(ours),
      stepMilliseconds: spread(steps),
      batchTokens: trainer.config.training.batchTokens,
      peakGigabytes: rounded(process.resourceUsage().maxRSS / 2 ** 20),
    },
    pytorch: { version, padded: versus("padded"), packed: versus("packed") },
  };
}
