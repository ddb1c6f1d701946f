/** @file How long the event loop of the main thread is held up while a training of Amazon Beauty goes on. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import { importInteractions } from "../src/data/import.ts";
import { train } from "../src/training/train.ts";
import { rounded } from "./machine.ts";

export interface EventLoopOptions {
  readonly shared: string;
  readonly threads: number;
  readonly epochs?: number;
  readonly onProgress?: (message: string) => void;
}

/** The 99th percentile must stay below this. */
const barMilliseconds = 20;
/** The timer whose lateness is the delay fires this often. */
const resolution = 1;

const delays = (histogram: IntervalHistogram): Record<string, number> => {
  const late = (nanoseconds: number): number => rounded(Math.max(0, nanoseconds / 1e6 - resolution), 3);
  const { mean, max } = histogram;
  const [p50, p90, p99, p999] = [50, 90, 99, 99.9].map((p) => late(histogram.percentile(p))) as [
    number,
    number,
    number,
    number,
  ];
  return { samples: histogram.count, mean: late(mean), p50, p90, p99, p999, max: late(max) };
};

/**
 * Whole epochs of the default recipe through `train`: updates, validation, checkpoints. `training` counts from the first
 * step on; `start` is what comes before: reading the data, first values, compiling.
 */
export async function benchEventLoop(options: EventLoopOptions): Promise<Record<string, unknown>> {
  const { shared, threads, epochs = 3, onProgress = () => {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-event-loop-"));
  try {
    const data = join(folder, "data");
    const interactions = join(shared, "data", "amazon-beauty", "interactions.csv.gz");
    await importInteractions({ interactions, out: data });
    const histogram = monitorEventLoopDelay({ resolution });
    let start: Record<string, number> | undefined;
    histogram.enable();
    const set = Object.entries({ "training.epochs": epochs, "training.threads": threads });
    await train({
      data,
      out: join(folder, "run"),
      set: set.map(([path, value]) => ({ path, value })),
      onProgress: ({ kind, epoch, step }) => {
        if (kind === "epoch") onProgress(`epoch ${epoch} of ${epochs}`);
        if (start || kind !== "step" || step > 1) return;
        start = delays(histogram);
        histogram.reset();
      },
    });
    histogram.disable();
    const training = delays(histogram);
    return {
      data: "amazon-beauty",
      epochs,
      threads,
      unit: "milliseconds that a timer of 1 ms fires late",
      bar: { p99: barMilliseconds, met: training.p99! < barMilliseconds },
      training,
      start,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
