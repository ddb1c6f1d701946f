/** @file Studies whose runs follow one another: what is measured goes into one result file at once, what was begun goes on. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { environment } from "../bench/machine.ts";
import { writeAtomic } from "../src/data/files.ts";
import { isRunFolder } from "../src/evaluation/run-folder.ts";
import { type TrainOptions, type TrainResult, train } from "../src/training/train.ts";
import type { StudyContext } from "./leaderboard.ts";
import type { StudyOptions } from "./options.ts";

export type Told = (text: string) => void;

/** Trains, or goes on with what was begun; a finished run is left as it is. */
export async function trainOn(
  out: string,
  options: Omit<TrainOptions, "out">,
  told: Told,
): Promise<TrainResult> {
  await mkdir(join(out, ".."), { recursive: true });
  const onProgress: NonNullable<TrainOptions["onProgress"]> = ({ kind, epoch, epochs, validation, text }) => {
    if (kind === "message") told(text!);
    if (kind === "epoch")
      told(`epoch ${epoch}/${epochs} · validation NDCG@10 ${validation!["NDCG@10"]!.toFixed(4)}`);
  };
  const how = (await isRunFolder(out)) ? { data: options.data, resume: true } : options;
  return train({ ...how, out, onProgress });
}

const fileOf = (docs: string, study: string): string => join(docs, "results", `${study}.json`);

/** The runs of a study that there are. */
export function runsOf<R>(docs: string, study: string, schema: z.ZodType<R>): readonly R[] {
  const file = fileOf(docs, study);
  if (!existsSync(file)) return [];
  return z.looseObject({ runs: z.array(schema) }).parse(JSON.parse(readFileSync(file, "utf8"))).runs;
}

/** What a case or a run is trained with, as a hash: a run of other settings is not the one that is asked for. */
interface Configured {
  readonly configuration: string;
}

/** Of the runs those that are of today's cases and settings. */
export function runsToday<C extends Configured, R extends Configured>(
  runs: readonly R[],
  { cases, nameOf, nameOfRun }: Pick<Sequence<C, R>, "cases" | "nameOf" | "nameOfRun">,
): readonly R[] {
  const asked = new Map(cases.map((each) => [nameOf(each), each.configuration]));
  return runs.filter((run) => asked.get(nameOfRun(run)) === run.configuration);
}

export interface Sequence<C extends Configured, R extends Configured> {
  /** The name of the study and of its result file. */
  readonly study: string;
  readonly cases: readonly C[];
  nameOf(asked: C): string;
  /** The name of the case that a run is of. */
  nameOfRun(run: R): string;
  /** The runs that there are. */
  runs(docs: string): readonly R[];
  measure(asked: C, told: Told): Promise<R>;
  /** One line on a run. */
  summary(run: R): string;
  /** Writes the study's page. */
  write(docs: string): Promise<void>;
}

/**
 * Runs what is missing, one after the other; what was killed goes on, and a run of other settings is replaced. The answer is
 * whether all is there.
 */
export async function measureEach<C extends Configured, R extends Configured>(
  { results, list, until = Number.POSITIVE_INFINITY }: StudyOptions,
  context: StudyContext,
  { study, cases, nameOf, nameOfRun, runs, measure, summary, write }: Sequence<C, R>,
): Promise<boolean> {
  await mkdir(join(results, "results"), { recursive: true });
  for (const asked of cases) {
    const name = nameOf(asked);
    const there = runs(results).some(
      (run) => nameOfRun(run) === name && run.configuration === asked.configuration,
    );
    if (list) context.out(`${name}: ${there ? "there" : "missing"}\n`);
    if (there || list) continue;
    if (context.signal?.aborted || Date.now() >= until) return false;
    context.progress(`${name}: starts`);
    const done = await measure(asked, (text) => context.progress(`${name}: ${text}`));
    const kept = runs(results).filter((run) => nameOfRun(run) !== name);
    const all = { command: `npm run study -- ${study}`, ...environment(), runs: [...kept, done] };
    await writeAtomic(fileOf(results, study), `${JSON.stringify(all, null, 2)}\n`);
    await write(results);
    context.progress(`${name}: ${summary(done)}`);
  }
  return true;
}
