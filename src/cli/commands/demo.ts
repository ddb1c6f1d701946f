/** @file sequitur demo */

import { join } from "node:path";
import { Command } from "commander";
import type { StoredEvaluation } from "../../evaluation/result.ts";
import type { Recommender } from "../../serving/recommender.ts";
import type { Context } from "../context.ts";
import { type Example, exampleText, findExample } from "../demo-example.ts";
import { evaluateWithProgress } from "../evaluation.ts";
import { type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { packageRoot } from "../package.ts";
import { createProgressLine, duration, grouped, type ProgressLine, showTraining } from "../progress.ts";
import { serveUntilStopped, servingText, startServer } from "./serve.ts";

interface Options extends CommonOptions {
  readonly out: string;
  readonly seed: number;
  readonly port: number;
  readonly host: string;
  readonly serve: boolean;
}

/** Users and items with fewer interactions are left out, as is usual for this data. */
const CORE = 5;

export function demoCommand(context: Context): Command {
  const command = new Command("demo")
    .description("Import the bundled film ratings, train, evaluate, recommend to one person, then serve.")
    .option("--out <folder>", "where to put the dataset and the run", join("runs", "demo"))
    .option("--seed <number>", "what decides everything random", wholeNumber(0, 2 ** 32 - 1), 0)
    .option("--port <number>", "0 takes any free port", wholeNumber(0, 65535), 8787)
    .option("--host <address>", "where to listen", "127.0.0.1")
    .option("--no-serve", "stop before serving")
    .action((options: Options) => demo(options, context));
  return withCommon(command, "sequitur demo --no-serve");
}

async function demo(options: Options, context: Context): Promise<void> {
  const started = performance.now();
  const line = createProgressLine(context);
  const folders = { data: join(options.out, "dataset"), run: join(options.out, "run") };
  line.keep(
    "MovieLens latest-small: for research, not for commercial use; terms in data/ml-latest-small/README.txt",
  );
  await importBundled(folders.data, line);
  await trainAnew(folders, options.seed, context, line);
  const evaluation = await evaluateWithProgress(folders, context);
  const { openRecommender } = await import("../../serving/open-recommender.ts");
  const { openScorer, openRetriever } = context.engine;
  const recommender = await openRecommender({ ...folders, openScorer, openRetriever, users: "required" });
  const example = await exampleOf(folders.data, recommender);
  line.keep(`done in ${duration((performance.now() - started) / 1000)}`);
  if (!options.json) await printText(evaluation, example, context);
  if (!options.serve) {
    await recommender.dispose();
    if (options.json) await printJson({ evaluation, example }, context);
    return;
  }
  const server = await startServer(recommender, options, context);
  if (options.json) await printJson({ evaluation, example, address: server.address }, context);
  else context.out(`\n${servingText(server.address)}\n${curlText(server.address, example)}\n`);
  await serveUntilStopped(server, context);
}

async function importBundled(out: string, line: ProgressLine): Promise<void> {
  const { importInteractions } = await import("../../data/import.ts");
  const bundled = join(packageRoot, "data", "ml-latest-small");
  const { manifest } = await importInteractions({
    interactions: join(bundled, "interactions.csv.gz"),
    items: join(bundled, "items.jsonl.gz"),
    out,
    minUser: CORE,
    minItem: CORE,
  });
  const { users, items, interactions } = manifest.counts;
  line.keep(
    `imported ${grouped(interactions)} ratings of ${grouped(items)} films by ${grouped(users)} people`,
  );
}

/** Trains into a fresh run folder; the run of an earlier demo is removed. */
async function trainAnew(
  { data, run }: { readonly data: string; readonly run: string },
  seed: number,
  context: Context,
  line: ProgressLine,
): Promise<void> {
  const { isRunFolder } = await import("../../evaluation/run-folder.ts");
  const { rm } = await import("node:fs/promises");
  if (await isRunFolder(run)) await rm(run, { recursive: true });
  const onProgress = showTraining(line);
  await context.engine.train({ data, out: run, recipe: "sasrec", seed, onProgress }).finally(line.clear);
}

async function exampleOf(data: string, recommender: Recommender): Promise<Example> {
  const { openDataset } = await import("../../data/dataset.ts");
  return findExample(await openDataset(data), recommender);
}

async function printText(evaluation: StoredEvaluation, example: Example, context: Context): Promise<void> {
  const { evaluationTable } = await import("../../evaluation/result.ts");
  context.out(`${evaluationTable(evaluation)}\n\n${exampleText(example)}\n`);
}

async function printJson(
  { evaluation, ...rest }: { evaluation: StoredEvaluation; example: Example; address?: string },
  context: Context,
): Promise<void> {
  const { EvaluationResult } = await import("../../evaluation/result.ts");
  context.out(`${JSON.stringify({ evaluation: EvaluationResult.parse(evaluation), ...rest })}\n`);
}

function curlText(address: string, { recent }: Example): string {
  const history = recent.slice(-2).map(({ id }) => id);
  return `try: curl ${address}/v1/recommend -d '${JSON.stringify({ history, k: 3 })}'`;
}
