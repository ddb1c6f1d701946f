/** @file Works through a queue of runs: what is there is left alone, what was killed goes on, what another does is passed over. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type DataName, dataFolder, knownFingerprint, prepareData, readyFingerprint } from "./data-sets.ts";
import type { Execute } from "./execute.ts";
import type { Job } from "./job.ts";
import { claim, ownerOf } from "./locks.ts";
import type { Store } from "./store.ts";

export interface QueueOptions {
  readonly jobs: readonly Job[];
  readonly store: Store;
  /** Where data sets, unfinished runs and locks are. */
  readonly work: string;
  /** The folder that holds data/NAME. */
  readonly shared: string;
  readonly threads: number;
  readonly execute: Execute;
  /** Leaves the run folders of finished runs where they are. */
  readonly keep?: boolean;
  /** No run is started after this time, in milliseconds since 1970. */
  readonly until?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
  /** Called after each run that was stored. */
  readonly onStored?: () => Promise<void>;
}

export interface Outcome {
  readonly done: number;
  readonly failed: readonly string[];
  /** Runs that another process is at. */
  readonly elsewhere: number;
  /** Runs that were not started because of the time. */
  readonly left: number;
}

export const lockOf = (work: string, { id }: Job): string =>
  join(work, "locks", `${id.replaceAll("/", "--")}.lock`);

/** A run's own folder; another configuration has another. */
export const folderOf = (work: string, { id, configuration }: Job): string =>
  join(work, "runs", `${id.replaceAll("/", "--")}-${configuration}`);

/** The fingerprint of a data set, which is imported and encoded where it is not yet; one process does that, others wait. */
async function ready({ shared, work, signal }: QueueOptions, name: DataName): Promise<string> {
  for (;;) {
    const known = await readyFingerprint(work, name);
    if (known !== undefined) return known;
    const lock = await claim(join(work, "locks", `data--${name}.lock`));
    if (lock.mine) {
      try {
        return (await readyFingerprint(work, name)) ?? (await prepareData(shared, work, name));
      } finally {
        await lock.release();
      }
    }
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function runOne(options: QueueOptions, job: Job): Promise<"done" | "there" | "elsewhere"> {
  const { work, store, threads, execute, keep = false, signal, onProgress = () => {} } = options;
  const fingerprint = await ready(options, job.data);
  if (store.find(job, fingerprint)) return "there";
  const lock = await claim(lockOf(work, job));
  if (!lock.mine) {
    onProgress(`${job.id}: process ${lock.owner} is at it`);
    return "elsewhere";
  }
  try {
    if (store.find(job, fingerprint)) return "there"; // another process has ended it since
    onProgress(`${job.id}: starts`);
    const folder = folderOf(work, job);
    const task = { job, data: dataFolder(work, job.data), folder, threads };
    const record = await execute(task, (text) => onProgress(`${job.id}: ${text}`), signal);
    await store.save(job, record);
    if (!keep) await rm(folder, { recursive: true, force: true });
    const metric = (record.metrics ?? record.validation)["NDCG@10"]!.toFixed(4);
    const part = record.metrics ? "test" : "validation";
    onProgress(
      `${job.id}: ${part} NDCG@10 ${metric} · ${record.seconds.wall} s, ${record.seconds.cpu} s CPU`,
    );
    return "done";
  } finally {
    await lock.release();
  }
}

/** Runs what is missing, in order, one at a time. A run that fails is told and passed over. */
export async function runQueue(options: QueueOptions): Promise<Outcome> {
  const { jobs, until = Number.POSITIVE_INFINITY, signal, onProgress = () => {} } = options;
  const failed: string[] = [];
  const count = { done: 0, elsewhere: 0, left: 0, there: 0 };
  for (const job of jobs) {
    if (signal?.aborted) break;
    const late = Date.now() >= until;
    if (late) {
      if (!options.store.find(job, await knownFingerprint(options.work, job.data))) count.left++;
      continue;
    }
    try {
      const how = await runOne(options, job);
      count[how]++;
      if (how === "done") await options.onStored?.();
    } catch (error) {
      if (signal?.aborted) break;
      failed.push(job.id);
      onProgress((error as Error).message);
    }
  }
  return { done: count.done, failed, elsewhere: count.elsewhere, left: count.left };
}

export interface Standing {
  readonly job: Job;
  readonly state: "there" | "running" | "begun" | "missing";
}

/** How each run of a queue stands. */
export async function standing(
  { store, work }: Pick<QueueOptions, "store" | "work">,
  jobs: readonly Job[],
  begun: (folder: string) => boolean,
): Promise<Standing[]> {
  const states: Standing[] = [];
  for (const job of jobs) {
    const there = store.find(job, await knownFingerprint(work, job.data));
    const state = there
      ? "there"
      : (await ownerOf(lockOf(work, job)))
        ? "running"
        : begun(folderOf(work, job))
          ? "begun"
          : "missing";
    states.push({ job, state });
  }
  return states;
}
