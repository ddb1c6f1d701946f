/** @file The study `content`: what texts and pictures are worth, for items that training knew and for those it did without. */
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { EncodeResult } from "../bench/encode.ts";
import { encode } from "../src/content/encode.ts";
import { openDataset } from "../src/data/dataset.ts";
import { writeAtomic } from "../src/data/files.ts";
import type { Comparison } from "../src/evaluation/compare.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import type { Baselines } from "../src/evaluation/result.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { contentPage } from "./content-page.ts";
import { type ContentRow, contentData, contentSets } from "./content-rows.ts";
import { type DataName, dataFolder, prepareData, type Settings } from "./data-sets.ts";
import { hashOf, settingList, settingsOn } from "./job.ts";
import type { StudyContext } from "./leaderboard.ts";
import type { StudyOptions } from "./options.ts";
import { measureEach, runsOf, runsToday, type Told, trainOn } from "./sequence.ts";

const recipe = "sasrec-text";
/** Share of the items that training does without. */
const share = 0.05;

const Metrics = z.record(z.string(), z.number());
const Group = z.strictObject({
  users: z.int(),
  metrics: Metrics,
  neighbours: Metrics.optional(),
  popularity: Metrics,
});
const Run = z.strictObject({
  row: z.string(),
  data: z.string(),
  seed: z.int(),
  configuration: z.string(),
  items: z.int(),
  metrics: Metrics,
  /** Those of untrained neighbours by content, where there is any. */
  neighbours: Metrics.optional(),
  warm: Group,
  cold: Group,
  fingerprint: z.string(),
  bestEpoch: z.int(),
  seconds: z.number(),
  threads: z.int(),
});
export type ContentRun = z.infer<typeof Run>;

/** The runs that there are. */
const contentRuns = (docs: string): readonly ContentRun[] => runsOf(docs, "content", Run);

/** Those of the rows as they are today. */
export const currentRuns = (runs: readonly ContentRun[]): readonly ContentRun[] =>
  runsToday(runs, { cases: casesOf({}), nameOf, nameOfRun });

/** What `sequitur compare --json` says of the leaderboard's runs with and without ids and texts, where it was asked. */
function comparisons(docs: string): readonly Comparison[] {
  const file = join(docs, "results", "compare-amazon-beauty.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).tables : [];
}

/** What `npm run bench -- encode` has measured, where it has. */
function encoding(docs: string): z.infer<typeof EncodeResult> | undefined {
  const file = join(docs, "results", "encode.json");
  return existsSync(file) ? EncodeResult.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** Writes docs/content.md anew, where there are runs. */
export async function writeContent(docs: string): Promise<void> {
  const runs = currentRuns(contentRuns(docs));
  if (runs.length === 0) return;
  await writeAtomic(join(docs, "content.md"), contentPage(runs, comparisons(docs), encoding(docs)));
}

interface Case {
  readonly row: ContentRow;
  readonly data: DataName;
  readonly seed: number;
  readonly set: Settings;
  readonly configuration: string;
}

const nameOf = ({ data, row, seed }: Case): string => `${data} ${row.name} ${seed}`;
const nameOfRun = ({ data, row, seed }: ContentRun): string => `${data} ${row} ${seed}`;

/** A row of a data set as it is trained. */
function settingsOf(data: DataName, row: ContentRow): Pick<Case, "set" | "configuration"> {
  const set = settingsOn(recipe, data, contentSets[data]!.set, row.set, { "split.cold": share });
  return { set, configuration: hashOf(`row ${row.name}`, recipe, set) };
}

/** The cases that are asked for, seed by seed, so that every row is there early. */
export function casesOf({
  only,
  data,
  seeds = [0, 1, 2],
}: Pick<StudyOptions, "only" | "data" | "seeds">): Case[] {
  const wanted = contentData.filter((name) => data?.includes(name) ?? true);
  return wanted.flatMap((name) => {
    const named = contentSets[name]!.rows.filter((row) => only?.includes(row.name) ?? true);
    return seeds.flatMap((seed) => named.map((row) => ({ row, data: name, seed, ...settingsOf(name, row) })));
  });
}

const beside = ({ "content-neighbours": neighbours }: Baselines) => (neighbours ? { neighbours } : {});

/** The seed of a run chooses the items that it does without, too, so that three seeds are three removals. */
async function measured(
  options: StudyOptions,
  { row, data: name, seed, set, configuration }: Case,
  told: Told,
): Promise<ContentRun> {
  const { shared, work, threads } = options;
  await prepareData(shared, work, name);
  const data = dataFolder(work, name);
  const { tables } = contentSets[name]!;
  for (const table of tables?.(shared) ?? []) await encode(await openDataset(data), { ...table, threads });
  const out = join(work, "content", `${name}-${row.name}-${seed}-${configuration}`);
  const how = { data, recipe, seed, set: settingList({ ...set, "training.threads": threads }) };
  const { bestEpoch, seconds } = await trainOn(out, how, told);
  const test = await evaluateRun({ run: out, data, openScorer, threads });
  if (!options.keep) await rm(out, { recursive: true });
  const groupOf = (kind: "warm" | "cold") => {
    const { users, metrics, baselines } = test.groups![kind];
    return { users, metrics, ...beside(baselines), popularity: baselines.popularity };
  };
  const { metrics, baselines, items, fingerprint } = test;
  return {
    row: row.name,
    data: name,
    seed,
    configuration,
    items,
    metrics,
    ...beside(baselines),
    warm: groupOf("warm"),
    cold: groupOf("cold"),
    fingerprint,
    bestEpoch,
    seconds: Number(seconds.toFixed(1)),
    threads,
  };
}

/** Runs what is missing. The answer is whether all is there. */
export const content = (options: StudyOptions, context: StudyContext): Promise<boolean> =>
  measureEach<Case, ContentRun>(options, context, {
    study: "content",
    cases: casesOf(options),
    nameOf,
    nameOfRun,
    runs: contentRuns,
    measure: (asked, told) => measured(options, asked, told),
    summary: ({ metrics, cold }) =>
      `NDCG@10 ${metrics["NDCG@10"]!.toFixed(4)}, cold HR@10 ${cold.metrics["HR@10"]!.toFixed(4)} (neighbours ${cold.neighbours?.["HR@10"]?.toFixed(4) ?? "none"})`,
    write: writeContent,
  });
