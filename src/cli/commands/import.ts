/** @file sequitur import */

import { Command } from "commander";
import type { Context } from "../context.ts";
import { anyNumber, type CommonOptions, wholeNumber, withCommon } from "../options.ts";
import { createProgressLine, grouped } from "../progress.ts";

interface Options extends CommonOptions {
  readonly interactions: string;
  readonly out: string;
  readonly items?: string;
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
    .requiredOption("--interactions <file>", "who did something with which item, and when")
    .requiredOption("--out <folder>", "the dataset folder to write")
    .option("--items <file>", "items with titles and other columns")
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
