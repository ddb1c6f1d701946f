/** @file sequitur import */

import { Command, InvalidArgumentError, Option } from "commander";
import { type FeatureInput, readFeatureInput } from "../../data/feature-input.ts";
import type { ImportOptions, ImportProgress, ImportReport } from "../../data/import.ts";
import { type PublishedFormat, publishedFormats } from "../../data/published.ts";
import { formatTable } from "../../evaluation/table.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Context } from "../context.ts";
import { anyNumber, type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { createProgressLine, duration, grouped } from "../progress.ts";

interface Options extends CommonOptions {
  readonly interactions: string;
  readonly out: string;
  readonly format?: PublishedFormat;
  readonly items?: string;
  readonly features?: readonly FeatureInput[];
  readonly images?: string;
  readonly userColumn?: string;
  readonly itemColumn?: string;
  readonly timeColumn?: string;
  readonly ratingColumn?: string;
  readonly minUser?: number;
  readonly minItem?: number;
  readonly minRating?: number;
}

export function importCommand(context: Context): Command {
  const atLeastOne = wholeNumber(1, 1_000_000_000);
  const command = new Command("import")
    .description(
      "Read an event log into a dataset folder (.csv .tsv .jsonl .parquet .inter .item, each also .gz).",
    )
    .requiredOption(
      "--interactions <file>",
      "who did what with which item, and when; or a folder of NineRec or MicroLens",
    )
    .requiredOption("--out <folder>", "the dataset folder to write")
    .addOption(
      new Option("--format <name>", "how the data was published (default: by the names of files)").choices(
        publishedFormats,
      ),
    )
    .option("--items <file>", "items with titles and other columns")
    .option(
      "--features <name=file>",
      "ready features: NAME=FILE.npy:IDS.txt, or .parquet, .safetensors (repeatable)",
      featureInput,
    )
    .option("--images <folder>", "pictures of items, called by their ids (.jpg .png .webp)")
    .option("--user-column <name>", "column of user ids (default: user_id)")
    .option("--item-column <name>", "column of item ids (default: item_id)")
    .option("--time-column <name>", "column of times (default: timestamp or position)")
    .option("--rating-column <name>", "column of ratings (default: rating)")
    .option("--min-user <count>", "keep users with at least so many interactions", atLeastOne)
    .option("--min-item <count>", "keep items with at least so many interactions", atLeastOne)
    .option("--min-rating <value>", "keep interactions rated at least so high", anyNumber)
    .action((options: Options) => importData(options, context));
  return withCommon(
    command,
    "sequitur import --interactions ratings.csv --items movies.jsonl --min-item 5 --out data/movies",
  );
}

function featureInput(text: string, before: readonly FeatureInput[] = []): readonly FeatureInput[] {
  try {
    return [...before, readFeatureInput(text)];
  } catch (error) {
    throw error instanceof ConfigError ? new InvalidArgumentError(error.message) : error;
  }
}

async function importData({ json, verbose, ...options }: Options, context: Context): Promise<void> {
  const { importInteractions } = await import("../../data/import.ts");
  const line = createProgressLine(context);
  const onProgress: ImportOptions["onProgress"] = ({ step, seconds }) =>
    line.update(`importing: ${stepNames[step]} (${duration(seconds)} so far)`);
  const report = await importInteractions({ ...options, onProgress }).finally(line.clear);
  context.out(`${json ? JSON.stringify(reportJson(report)) : reportText(report)}\n`);
}

const stepNames: Readonly<Record<ImportProgress["step"], string>> = {
  unpack: "unpacking",
  read: "reading",
  index: "indexing ids",
  duplicates: "dropping exact duplicates",
  core: "filtering by the fewest interactions",
  write: "writing",
  hash: "computing the fingerprint",
};

function reportJson({ directory, manifest, notes, seconds }: ImportReport): object {
  const { fingerprint, counts, steps } = manifest;
  return { out: directory, fingerprint, ...counts, before: steps[0], steps, notes, seconds };
}

const afterSteps: Readonly<Record<string, string>> = {
  read: "in the file",
  rating: "after --min-rating",
  duplicates: "without exact duplicates",
  core: "after --min-user and --min-item",
};

/** Counts before and after each step, the notes, and where the dataset is. */
export function reportText({ directory, manifest, notes, seconds }: ImportReport): string {
  const rows = manifest.steps.map(({ step, interactions, users, items }) => [
    afterSteps[step] ?? step,
    ...[interactions, users, items].map(grouped),
  ]);
  const table = formatTable(["", "interactions", "users", "items"], rows);
  const place = `wrote ${directory} in ${duration(seconds)} · fingerprint ${manifest.fingerprint}`;
  return [table, ...notes, place].join("\n");
}
