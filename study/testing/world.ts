/** @file A small shared folder with a data set of a leaderboard's name, and records as a run would leave them, for tests. */
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { DataName } from "../data-sets.ts";
import { configOf, type Job } from "../job.ts";
import type { RunRecord } from "../record.ts";

export interface World {
  readonly root: string;
  readonly shared: string;
  readonly work: string;
  /** Where records and pages go. */
  readonly docs: string;
}

/** People who each go round a circle of twenty items, starting at different places. */
export async function makeWorld(name: DataName = "amazon-beauty"): Promise<World> {
  const root = await mkdtemp(join(tmpdir(), "sequitur-study-"));
  const shared = join(root, "shared");
  const folder = join(shared, "data", name);
  await mkdir(folder, { recursive: true });
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 40; user++)
    for (let step = 0; step < 8; step++) lines.push(`u${user},i${(user + step) % 20},${step}`);
  await writeFile(join(folder, "interactions.csv.gz"), gzipSync(`${lines.join("\n")}\n`));
  const items = Array.from({ length: 20 }, (_, k) =>
    JSON.stringify({
      item_id: `i${k}`,
      title: `thing ${k % 5}`,
      brand: `brand ${k % 3}`,
      categories: ["things"],
    }),
  );
  await writeFile(join(folder, "items.jsonl.gz"), gzipSync(items.join("\n")));
  return { root, shared, work: join(root, "work"), docs: join(root, "docs") };
}

/** The record of a run that has not happened. */
export function madeUpRecord(job: Job, ndcg = 0.05, change: Partial<RunRecord> = {}): RunRecord {
  const config = configOf(job.recipe, job.set) as unknown as Record<string, unknown>;
  const metrics = { "HR@10": 2 * ndcg, "NDCG@10": ndcg };
  return {
    row: job.row,
    recipe: job.recipe,
    set: job.set,
    data: job.data,
    seed: job.seed,
    configuration: job.configuration,
    config,
    dataset: "data",
    ...(job.test && { fingerprint: "0123456789abcdef", metrics, popularity: metrics }),
    validation: metrics,
    epochs: 20,
    bestEpoch: 18,
    parameters: "baseline" in config ? null : 1000,
    seconds: { wall: 100, cpu: 150 },
    peakGigabytes: 0.5,
    threads: 2,
    machine: { processor: "a processor", cores: 2, memoryGigabytes: 8 },
    versions: { node: "v20.0.0", onnxruntime: "1.0.0" },
    commit: "0123456789ab",
    date: "2026-01-01",
    command: `${job.command} --threads 2`,
    ...change,
  };
}
