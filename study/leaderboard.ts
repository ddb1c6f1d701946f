/** @file The study `leaderboard`: runs the queue, keeps a record of each run and writes the page. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../src/data/files.ts";
import { estimatedSeconds, spoken } from "./estimate.ts";
import type { Execute } from "./execute.ts";
import type { Job } from "./job.ts";
import type { StudyOptions } from "./options.ts";
import { leaderboardPage } from "./page.ts";
import { planOf } from "./plan.ts";
import { rows as allRows, type Row } from "./rows.ts";
import { type QueueOptions, runQueue, type Standing, standing } from "./runner.ts";
import { fileStore, type Store } from "./store.ts";

export interface StudyContext {
  readonly execute: Execute;
  readonly out: (text: string) => void;
  readonly progress: (text: string) => void;
  readonly signal?: AbortSignal;
}

export const leaderboardStore = (docs: string): Store => fileStore(join(docs, "results", "leaderboard"));

/** Writes docs/leaderboard.md anew. */
export async function writeLeaderboard(docs: string, rows: readonly Row[] = allRows): Promise<void> {
  await mkdir(docs, { recursive: true });
  await writeAtomic(join(docs, "leaderboard.md"), leaderboardPage(rows, leaderboardStore(docs).all()));
}

/** One line for each run of the queue, and the time that the missing ones would take. */
export function listText(states: readonly Standing[], store: Store): string {
  const records = store.all();
  let [total, unknown] = [0, 0];
  const lines = states.map(({ job, state }) => {
    if (state === "there") return `${job.id}: there`;
    const seconds = estimatedSeconds(job, records);
    if (seconds === undefined) unknown++;
    else total += seconds;
    return `${job.id}: ${state}, ${seconds === undefined ? "time unknown" : `about ${spoken(seconds)}`}`;
  });
  const open = states.filter(({ state }) => state !== "there").length;
  const rest = unknown > 0 ? `, and ${unknown} whose time is not known` : "";
  lines.push(
    `${states.length - open} of ${states.length} are there; the others take about ${spoken(total)}${rest}`,
  );
  return `${lines.join("\n")}\n`;
}

/** Lists or runs jobs; the answer is whether all went well. */
export async function work(
  options: StudyOptions,
  context: StudyContext,
  {
    jobs,
    store,
    onStored,
  }: { readonly jobs: readonly Job[]; readonly store: Store; onStored(): Promise<void> },
): Promise<boolean> {
  if (options.list) {
    const states = await standing({ store, work: options.work }, jobs, existsSync);
    context.out(listText(states, store));
    return true;
  }
  const { threads, shared, keep, until } = options;
  const queue: QueueOptions = {
    jobs,
    store,
    work: options.work,
    shared,
    threads,
    keep,
    execute: context.execute,
    onProgress: context.progress,
    onStored,
    ...(until !== undefined && { until }),
    ...(context.signal && { signal: context.signal }),
  };
  const { done, failed, elsewhere, left } = await runQueue(queue);
  const told = [`${done} done`];
  if (failed.length > 0) told.push(`${failed.length} failed (${failed.join(", ")})`);
  if (elsewhere > 0) told.push(`${elsewhere} with another process`);
  if (left > 0) told.push(`${left} left for lack of time`);
  context.out(`${told.join(", ")}\n`);
  return failed.length === 0;
}

/** Runs the study. @throws ConfigError or DataError before any work */
export async function leaderboard(options: StudyOptions, context: StudyContext): Promise<boolean> {
  const { only, data, seeds, results } = options;
  const plan = planOf(allRows, { ...(only && { only }), ...(data && { data }), ...(seeds && { seeds }) });
  for (const { row, why } of plan.absent) context.progress(`${row.name}: not run, ${why}`);
  const store = leaderboardStore(results);
  const ok = await work(options, context, {
    jobs: plan.jobs,
    store,
    onStored: () => writeLeaderboard(results),
  });
  if (!options.list) await writeLeaderboard(results);
  return ok;
}
