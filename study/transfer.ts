/** @file The study `transfer`: a text model of one data set on another, without learning there and with a tenth of its users. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { encode } from "../src/content/encode.ts";
import { openDataset } from "../src/data/dataset.ts";
import { writeAtomic } from "../src/data/files.ts";
import { evaluateRun } from "../src/evaluation/evaluate-run.ts";
import { openScorer } from "../src/training/open-scorer.ts";
import { type DataName, dataFolder, prepareData, type Settings } from "./data-sets.ts";
import { hashOf, settingList } from "./job.ts";
import type { StudyContext } from "./leaderboard.ts";
import type { StudyOptions } from "./options.ts";
import { measureEach, runsOf, runsToday, type Told, trainOn } from "./sequence.ts";
import { transferPage } from "./transfer-page.ts";

/** Where a model comes from, where it goes, and the data set whose texts say what words mean for both. */
export interface Pair {
  readonly source: DataName;
  readonly target: DataName;
  readonly fitted: DataName;
}

// amazon-sports has brands and categories, amazon-scientific titles, amazon-beauty all three.
export const pairs: readonly Pair[] = [
  { source: "amazon-sports", target: "amazon-beauty", fitted: "amazon-sports" },
  { source: "amazon-sports", target: "amazon-beauty", fitted: "amazon-beauty" },
  { source: "amazon-sports", target: "amazon-scientific", fitted: "amazon-sports" },
];

export interface TransferRow {
  readonly name: string;
  readonly title: string;
  /** Which model of the source it starts from; null: none. */
  readonly from: keyof typeof sources | null;
  readonly set: Settings;
}

const recipe = "sasrec-text";
const tenth = { "training.users": 0.1 } as const;
const ids = { "items.parts.id": { unseen: "none" } } as const;
const noIds = { "items.parts.id": null } as const;

const projection = { ...noIds, "items.parts.text.hidden": 0 } as const;

/**
 * Models of the source. What a head learns there of words is wrong of words that the source hardly has; a random
 * projection that nobody trains keeps angles between texts (Johnson & Lindenstrauss 1984), whichever words they have.
 * What stands above it is trained shortly, since the source's texts say little, and at a higher temperature: at the
 * recipe's a network as it starts is far too sure of items like the last one, and unlearns it before all else.
 */
const sources = {
  learned: { set: noIds, freeze: [] },
  projected: {
    set: { ...projection, "training.epochs": 2, "scoring.temperature": 0.3 },
    freeze: ["items"],
  },
} as const;

export const rows: readonly TransferRow[] = [
  {
    name: "zero-shot",
    title: "the source's weights, nothing learned here",
    from: "learned",
    set: { "training.epochs": 0 },
  },
  {
    name: "zero-shot-near",
    title: "the same with the recipe's neighbours by the target's texts, which need no learning",
    from: "learned",
    set: { "training.epochs": 0, "scoring.neighbourWeight": 2 },
  },
  {
    name: "untrained",
    title: "nothing learned anywhere: a linear head of texts and a network as they start",
    from: null,
    set: { ...projection, "training.epochs": 0 },
  },
  {
    name: "zero-shot-projected",
    title: "the source's weights over an untrained linear head of texts, nothing learned here",
    from: "projected",
    set: { "training.epochs": 0 },
  },
  {
    name: "scratch-projected",
    title: "text by a linear head, from scratch, a tenth of the users",
    from: null,
    set: { ...projection, ...tenth },
  },
  {
    name: "tuned-projected",
    title: "text by a linear head, from those weights, a tenth of the users",
    from: "projected",
    set: { ...tenth, "training.epochs": 10, "scoring.temperature": 0.07 },
  },
  {
    name: "scratch",
    title: "text, from scratch, a tenth of the users",
    from: null,
    set: { ...noIds, ...tenth },
  },
  {
    name: "tuned",
    title: "text, from the source's weights, a tenth of the users",
    from: "learned",
    set: tenth,
  },
  { name: "scratch-ids", title: "id + text, from scratch, a tenth of the users", from: null, set: tenth },
  {
    name: "tuned-ids",
    title: "id + text, from the source's weights, a tenth of the users",
    from: "learned",
    set: { ...ids, ...tenth },
  },
];

const Metrics = z.record(z.string(), z.number());
const Run = z.strictObject({
  row: z.string(),
  source: z.string(),
  target: z.string(),
  fitted: z.string(),
  seed: z.int(),
  configuration: z.string(),
  metrics: Metrics,
  popularity: Metrics,
  users: z.int(),
  fingerprint: z.string(),
  epochs: z.int(),
  bestEpoch: z.int(),
  seconds: z.number(),
  threads: z.int(),
});
export type TransferRun = z.infer<typeof Run>;

/** The runs that there are. */
const transferRuns = (docs: string): readonly TransferRun[] => runsOf(docs, "transfer", Run);

/** Those of the rows as they are today. */
export const currentRuns = (runs: readonly TransferRun[]): readonly TransferRun[] =>
  runsToday(runs, { cases: casesOf({}), nameOf, nameOfRun });

/** Writes docs/transfer.md anew, where there are runs. */
export async function writeTransfer(docs: string): Promise<void> {
  const runs = currentRuns(transferRuns(docs));
  if (runs.length > 0) await writeAtomic(join(docs, "transfer.md"), transferPage(runs));
}

interface Case extends Pair {
  readonly row: TransferRow;
  readonly seed: number;
  readonly configuration: string;
}

const nameOf = ({ source, target, fitted, row, seed }: Case): string =>
  `${source} → ${target} like ${fitted} ${row.name} ${seed}`;
const nameOfRun = ({ source, target, fitted, row, seed }: TransferRun): string =>
  `${source} → ${target} like ${fitted} ${row} ${seed}`;

/** The cases that are asked for, seed by seed, so that every row is there early. */
export function casesOf({
  only,
  data,
  seeds = [0, 1, 2],
}: Pick<StudyOptions, "only" | "data" | "seeds">): Case[] {
  const wanted = pairs.filter(({ target }) => data?.includes(target) ?? true);
  const named = rows.filter(({ name }) => only?.includes(name) ?? true);
  return wanted.flatMap((pair) => {
    const configured = named.map((row) => ({ row, configuration: configurationOf(pair, row) }));
    return seeds.flatMap((seed) => configured.map((each) => ({ ...pair, ...each, seed })));
  });
}

const tableOf = (fitted: DataName): string => `texts-like-${fitted}`;

/** Imports both data sets and encodes their texts in one space, where that is not done. */
async function prepared({ shared, work }: StudyOptions, { source, target, fitted }: Pair): Promise<void> {
  const names = [...new Set([fitted, source, target])];
  for (const name of names) await prepareData(shared, work, name);
  for (const name of names) {
    const like = name === fitted ? {} : { like: dataFolder(work, fitted) };
    await encode(await openDataset(dataFolder(work, name)), { text: like, outName: tableOf(fitted) });
  }
}

/** What is counted on the target, or read off its texts, is not carried: the scores are those of what was learned. */
const learnedAlone: Settings = { "scoring.prior": "none", "scoring.neighbourWeight": 0 };

const settingsOf = (own: Settings, { fitted }: Pair): Settings => ({
  "items.parts.text.table": tableOf(fitted),
  ...learnedAlone,
  ...own,
});

/** The settings of a source's model and what they are known by. */
function sourceOf(from: keyof typeof sources, pair: Pair): { readonly own: Settings; readonly hash: string } {
  const own = settingsOf(sources[from].set, pair);
  return { own, hash: hashOf(pair.source, recipe, own) };
}

/** What a row's model is trained with; where it starts from the source's weights, that one's settings are its own, too. */
function configurationOf(pair: Pair, { name, from, set }: TransferRow): string {
  const hashed = (own: Settings): string => hashOf(`row ${name}`, recipe, settingsOf(own, pair));
  if (from === null) return hashed(set);
  return `${sourceOf(from, pair).hash}-${hashed({ ...sources[from].set, ...set })}`;
}

/** The source's model that a row starts from, trained where it is not there. */
async function sourceRun(options: StudyOptions, asked: Case, told: Told): Promise<string | undefined> {
  const { source, fitted, row, seed } = asked;
  if (row.from === null) return undefined;
  const { freeze } = sources[row.from];
  const { own, hash } = sourceOf(row.from, asked);
  const out = join(options.work, "transfer", `${source}-like-${fitted}-${row.from}-${seed}-${hash}`);
  const how = { recipe, seed, set: settingList({ ...own, "training.threads": options.threads }), freeze };
  await trainOn(out, { data: dataFolder(options.work, source), ...how }, (text) => told(`source: ${text}`));
  return out;
}

async function measured(options: StudyOptions, asked: Case, told: Told): Promise<TransferRun> {
  const { source, target, fitted, row, seed, configuration } = asked;
  const { work, threads } = options;
  await prepared(options, asked);
  const init = await sourceRun(options, asked, told);
  const name = `${source}-like-${fitted}-to-${target}-${row.name}-${seed}-${configuration}`;
  const out = join(work, "transfer", name);
  const data = dataFolder(work, target);
  const set = settingList({ ...settingsOf(row.set, asked), "training.threads": threads });
  const how = init === undefined ? { recipe } : { init };
  const { epochs, bestEpoch, seconds } = await trainOn(out, { data, seed, set, ...how }, told);
  const test = await evaluateRun({ run: out, data, openScorer, threads });
  if (!options.keep) await rm(out, { recursive: true });
  const { metrics, baselines, users, fingerprint } = test;
  const facts = { metrics, popularity: baselines.popularity!, users, fingerprint };
  const took = { epochs, bestEpoch, seconds: Number(seconds.toFixed(1)), threads };
  return { row: row.name, source, target, fitted, seed, configuration, ...facts, ...took };
}

/** Runs what is missing. The answer is whether all is there. */
export const transfer = (options: StudyOptions, context: StudyContext): Promise<boolean> =>
  measureEach<Case, TransferRun>(options, context, {
    study: "transfer",
    cases: casesOf(options),
    nameOf,
    nameOfRun,
    runs: transferRuns,
    measure: (asked, told) => measured(options, asked, told),
    summary: ({ metrics, popularity }) =>
      `NDCG@10 ${metrics["NDCG@10"]!.toFixed(4)}, popularity ${popularity["NDCG@10"]!.toFixed(4)}`,
    write: writeTransfer,
  });
