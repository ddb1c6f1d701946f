/** @file The process of one run: trains, evaluates and tells the record. Continues what a killed one has left. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { environment } from "../bench/machine.ts";
import { readJson, writeAtomic } from "../src/data/files.ts";
import { readTensors } from "../src/data/tensors.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import { isRunFolder, readRunManifest, runFiles } from "../src/evaluation/run-folder.ts";
import { count } from "../src/tensor/spec.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import type { TrainProgress } from "../src/training/progress.ts";
import { train } from "../src/training/train.ts";
import { commitOf } from "./commit.ts";
import type { Message, Task } from "./execute.ts";
import { configOf, settingList } from "./job.ts";
import type { RunRecord } from "./record.ts";

const tell = (message: Message): Promise<void> =>
  new Promise((resolve) => process.send!(message, () => resolve()));

const Usage = z.object({ cpu: z.number(), peakGigabytes: z.number() });
type Usage = z.infer<typeof Usage>;

const Trained = z.object({
  bestEpoch: z.int(),
  epochs: z.int(),
  seconds: z.number(),
  validation: z.record(z.string(), z.number()),
  usage: Usage,
});
type Trained = z.infer<typeof Trained>;

/** What this process and those before it have used of the machine. */
function usageSince(before: Usage): Usage {
  const { user, system } = process.cpuUsage();
  const peak = process.resourceUsage().maxRSS / 2 ** 20;
  return {
    cpu: before.cpu + (user + system) / 1e6,
    peakGigabytes: Number(Math.max(before.peakGigabytes, peak).toFixed(2)),
  };
}

function progressText({ kind, epoch, epochs, loss, secondsLeft, validation, text }: TrainProgress): string {
  if (kind === "message") return text!;
  const metric = validation!["NDCG@10"]!.toFixed(4);
  return `epoch ${epoch}/${epochs} · loss ${loss.toFixed(4)} · validation NDCG@10 ${metric} · at most ${Math.ceil(secondsLeft / 60)} min left`;
}

/** Trains, or continues; the times of a training that was continued are those of all its processes. */
async function trained({ job, data, folder, threads }: Task): Promise<Trained> {
  const [done, usageFile] = [join(folder, "trained.json"), join(folder, "usage.json")];
  if (existsSync(done)) return Trained.parse(await readJson(done));
  const before = existsSync(usageFile)
    ? Usage.parse(await readJson(usageFile))
    : { cpu: 0, peakGigabytes: 0 };
  const out = join(folder, "run");
  const set = [...settingList(job.set), { path: "training.threads", value: threads }];
  // A training that was begun goes on as it was begun, whatever the threads now.
  const how = (await isRunFolder(out)) ? { resume: true } : { recipe: job.recipe, set, seed: job.seed };
  const result = await train({
    data,
    out,
    ...how,
    onProgress(event) {
      if (event.kind === "step") return;
      void tell({ kind: "progress", text: progressText(event) });
      if (event.kind === "epoch")
        void writeAtomic(usageFile, JSON.stringify(usageSince(before))).catch(() => {}); // a figure less, no more
    },
  });
  const { bestEpoch, epochs, seconds, validation } = result;
  const facts = { bestEpoch, epochs, seconds, validation, usage: usageSince(before) };
  await writeAtomic(done, JSON.stringify(facts));
  return facts;
}

async function parametersOf(run: string): Promise<number> {
  const { tensors } = await readTensors(join(run, runFiles.weights));
  return Object.values(tensors).reduce((total, { shape }) => total + count(shape), 0);
}

async function recordOf(task: Task): Promise<RunRecord> {
  const { job, data, folder } = task;
  const run = join(folder, "run");
  const commit = commitOf();
  const { usage, seconds, ...facts } = await trained(task);
  const manifest = await readRunManifest(run);
  const { threads } = z.object({ threads: z.int() }).parse(manifest.config.training);
  // As it was asked for: what training adds by the data, such as a table's columns, is no choice.
  const config = { ...configOf(job.recipe, { ...job.set, "training.threads": threads }) };
  const test = job.test ? await evaluateRun({ run, data, openScorer, threads }) : undefined;
  return {
    row: job.row,
    recipe: job.recipe,
    set: job.set,
    data: job.data,
    seed: job.seed,
    configuration: job.configuration,
    config,
    dataset: manifest.dataset.fingerprint,
    ...(test && {
      fingerprint: test.fingerprint,
      metrics: test.metrics,
      popularity: test.baselines.popularity,
    }),
    ...facts,
    parameters: "baseline" in manifest.config ? null : await parametersOf(run),
    seconds: { wall: round(seconds), cpu: round(usage.cpu) },
    peakGigabytes: usage.peakGigabytes,
    threads,
    ...environment(),
    commit,
    command: `${job.command} --threads ${threads}`,
  };
}

const round = (value: number): number => Number(value.toFixed(1));

process.on("disconnect", () => process.exit(1)); // whoever started this is gone
process.once("message", async (task: Task) => {
  try {
    await mkdir(task.folder, { recursive: true });
    await tell({ kind: "record", record: await recordOf(task) });
  } catch (error) {
    await tell({ kind: "error", message: error instanceof Error ? error.message : String(error) });
  }
  process.exit();
});
