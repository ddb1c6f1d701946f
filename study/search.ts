/** @file The study `search`: tries settings of a recipe one by one and chooses by validation NDCG@10. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { table } from "../scripts/report.ts";
import { readJson, writeAtomic } from "../src/data/files.ts";
import { ConfigError, DataError } from "../src/tensor/errors.ts";
import { suggest } from "../src/tensor/nearest.ts";
import { dataName, Setting, type Settings, SettingsSchema } from "./data-sets.ts";
import { hashOf, type Job, settingsOn } from "./job.ts";
import { type StudyContext, work } from "./leaderboard.ts";
import { root, type StudyOptions } from "./options.ts";
import { answers, type RunRecord } from "./record.ts";
import { logStore } from "./store.ts";

export const SearchConfig = z.strictObject({
  /** What is looked for, in a sentence. */
  about: z.string(),
  recipe: z.string(),
  data: z.string(),
  seed: z.int().min(0).default(0),
  /** What all trials have. */
  set: SettingsSchema.default({}),
  /** Trials one by one; what comes first is tried first. */
  trials: z.array(SettingsSchema).default([]),
  /** Every combination of these values, after the trials. */
  grid: z.record(z.string(), z.array(Setting).min(1)).default({}),
});
export type SearchConfig = z.infer<typeof SearchConfig>;

/** A search file. @throws ConfigError naming the key that is wrong */
export function searchConfig(where: string, value: unknown): SearchConfig {
  const result = SearchConfig.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const known = Object.keys(SearchConfig.shape);
  const message =
    issue.code === "unrecognized_keys"
      ? `there is no key "${issue.keys[0]}"${suggest(issue.keys[0]!, known)}`
      : `${issue.path.join(".") || "the file"}: ${issue.message}`;
  throw new ConfigError("search-config", `${where}: ${message}`, { where });
}

/** Every combination, the last key's values changing fastest. */
export function combinations(grid: Readonly<Record<string, readonly Settings[string][]>>): Settings[] {
  const entries = Object.entries(grid);
  if (entries.length === 0) return [];
  return entries.reduce<Settings[]>(
    (all, [path, values]) => all.flatMap((set) => values.map((value) => ({ ...set, [path]: value }))),
    [{}],
  );
}

/** The runs of a search. @throws ConfigError or DataError for a recipe, setting or data set that is not there */
export function trialsOf(name: string, config: SearchConfig, file: string): Job[] {
  const data = dataName(config.data);
  const { recipe, seed } = config;
  const trials = [...config.trials, ...combinations(config.grid)];
  if (trials.length === 0)
    throw new ConfigError("no-trials", `${file}: there is nothing to try; give "trials" or "grid"`);
  const jobs = trials.map((trial): Job => {
    const set = settingsOn(recipe, data, config.set, trial);
    const configuration = hashOf(file, recipe, set);
    const id = `search/${name}/${configuration}`;
    const command = `npm run study -- search --config ${file}`;
    return { id, row: name, recipe, set, data, seed, configuration, test: false, command };
  });
  return jobs.filter((job, k) => jobs.findIndex((other) => other.id === job.id) === k);
}

const valid = (record: RunRecord): number => record.validation["NDCG@10"]!;

/** The settings that some trials have in common are said once, above the table. */
export function searchPage(name: string, config: SearchConfig, records: readonly RunRecord[]): string {
  const jobs = trialsOf(name, config, `study/searches/${name}.json`);
  const done = jobs.flatMap((job) => {
    const record = records.find((r) => answers(r, job));
    return record ? [{ job, record }] : [];
  });
  const varied = [...new Set(jobs.flatMap((job) => Object.keys(job.set)))].filter(
    (path) => new Set(jobs.map((job) => JSON.stringify(job.set[path]))).size > 1,
  );
  const best = Math.max(...done.map(({ record }) => valid(record)));
  const rows = done
    .toSorted((a, b) => valid(b.record) - valid(a.record))
    .map(({ job, record }) => [
      ...varied.map((path) => (job.set[path] === undefined ? "" : String(job.set[path]))),
      `${valid(record).toFixed(4)}${valid(record) === best ? " (best)" : ""}`,
      record.validation["HR@10"]!.toFixed(4),
      `${record.bestEpoch} of ${record.epochs}`,
      String(Math.round(record.seconds.cpu)),
      String(Math.round(record.seconds.wall)),
    ]);
  const shared = Object.entries(config.set).map(([path, value]) => `\`${path}\` ${JSON.stringify(value)}`);
  const text = [
    `# Search: ${name}`,
    config.about,
    `Recipe \`${config.recipe}\` on ${config.data}, seed ${config.seed}; chosen by validation NDCG@10, the test part is not looked at.${shared.length > 0 ? ` All trials have ${shared.join(", ")}.` : ""} Empty cells are the recipe's own value. Written by \`npm run study -- search --config study/searches/${name}.json\` from \`${name}.jsonl\`.`,
    table([...varied, "validation NDCG@10", "HR@10", "best epoch", "CPU s", "wall s"], rows),
  ];
  if (done.length < jobs.length)
    text.push(`${jobs.length - done.length} of ${jobs.length} trials are not run yet.`);
  return `${text.join("\n\n")}\n`;
}

export const searchName = (file: string): string => basename(file, ".json");

/** Writes docs/results/search/NAME.md anew. */
export async function writeSearch(docs: string, name: string, config: SearchConfig): Promise<void> {
  const folder = join(docs, "results", "search");
  await mkdir(folder, { recursive: true });
  const records = logStore(join(folder, `${name}.jsonl`)).all();
  await writeAtomic(join(folder, `${name}.md`), searchPage(name, config, records));
}

/** Runs a search. @throws ConfigError or DataError before any work */
export async function search(options: StudyOptions, context: StudyContext): Promise<boolean> {
  const { config: file, results } = options;
  if (file === undefined)
    throw new ConfigError("no-config", "search needs --config FILE, such as study/searches/gru4rec.json");
  const path = existsSync(file) ? file : join(root, file);
  if (!existsSync(path))
    throw new DataError("missing-file", `${file}: there is no such file; check --config`, { file });
  const config = searchConfig(file, await readJson(path));
  const name = searchName(file);
  const jobs = trialsOf(name, config, file);
  const store = logStore(join(results, "results", "search", `${name}.jsonl`));
  const write = () => writeSearch(results, name, config);
  const ok = await work(options, context, { jobs, store, onStored: write });
  if (!options.list) await write();
  return ok;
}

export const readSearch = (path: string): SearchConfig =>
  searchConfig(path, JSON.parse(readFileSync(path, "utf8")));
