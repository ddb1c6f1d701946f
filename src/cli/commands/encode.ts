/** @file sequitur encode */

import { Command } from "commander";
import type { EncodeOptions } from "../../content/encode.ts";
import type { EncodeProgress, TableReport } from "../../content/report.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { createProgressLine, duration, grouped } from "../progress.ts";

interface Options extends CommonOptions {
  readonly data: string;
  readonly text?: string | true;
  readonly outName?: string;
  readonly dim?: number;
  readonly seed?: number;
  readonly threads?: number;
}

export function encodeCommand(context: Context): Command {
  const command = new Command("encode")
    .description("Compute item features from texts into a dataset folder.")
    .requiredOption("--data <folder>", "the dataset folder")
    .option("--text [columns]", "encode these columns of the items (default: all that hold words)")
    .option("--out-name <name>", 'name of the feature table (default: "text")')
    .option("--dim <count>", "most dimensions of the built-in text encoder", wholeNumber(1, 8192))
    .option("--seed <number>", "seed of the built-in text encoder", wholeNumber(0, 2 ** 32 - 1))
    .option("--threads <count>", "threads", wholeNumber(1, 1024))
    .action((options: Options) => encodeData(options, context));
  return withCommon(command, "sequitur encode --data data/movies --text title,genres");
}

async function encodeData(options: Options, context: Context): Promise<void> {
  const [{ openDataset }, { encode }] = await Promise.all([
    import("../../data/dataset.ts"),
    import("../../content/encode.ts"),
  ]);
  const line = createProgressLine(context);
  const onProgress = (progress: EncodeProgress) => line.update(progressText(progress));
  const dataset = await openDataset(options.data);
  const tables = await encode(dataset, { ...chosen(options), onProgress }).finally(line.clear);
  if (options.json) context.out(`${JSON.stringify({ data: options.data, tables })}\n`);
  else context.out(`${tables.map(tableText).join("\n")}\n`);
}

function chosen({ text, outName, dim, seed, threads }: Options): EncodeOptions {
  const columns = typeof text === "string" ? text.split(",").filter((column) => column !== "") : undefined;
  return { text: { columns }, outName, dim, seed, threads };
}

/** One line: table, step, share done, time left. */
export function progressText({ table, step, done, total, secondsLeft }: EncodeProgress): string {
  return `${table}: ${step}, ${grouped(done)} of ${grouped(total)} · ${duration(secondsLeft)} left`;
}

/** Problems that are shown by their items; the others are counted. */
const SHOWN = 5;

/** What became of each table, and of the items that could not be encoded. */
export function tableText(report: TableReport): string {
  const { table, dim, items, encoded, reused, missing, problems, seconds } = report;
  const counts = [
    `${grouped(encoded)} encoded`,
    `${grouped(reused)} taken over`,
    `${grouped(missing)} without content`,
    ...(problems.length === 0 ? [] : [`${grouped(problems.length)} could not be encoded`]),
  ];
  const lines = problems.slice(0, SHOWN).map(({ item, what }) => `  item "${item}": ${what}`);
  const more = problems.length > SHOWN ? [`  and ${grouped(problems.length - SHOWN)} more`] : [];
  return [
    `features "${table}": ${grouped(items)} items × ${dim} · ${counts.join(", ")} · ${duration(seconds)}`,
    ...lines,
    ...more,
  ].join("\n");
}
