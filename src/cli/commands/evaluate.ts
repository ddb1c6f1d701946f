/** @file sequitur evaluate */

import { Command, Option } from "commander";
import type { SeenRule } from "../../evaluation/cases.ts";
import type { Part } from "../../evaluation/result.ts";
import type { Context } from "../context.ts";
import { printEvaluation } from "../evaluation.ts";
import { type CommonOptions, wholeNumber, withCommon } from "../options.ts";

interface Options extends CommonOptions {
  readonly run: string;
  readonly split: Part;
  readonly seen: SeenRule;
  readonly data?: string;
  readonly threads?: number;
}

export function evaluateCommand(context: Context): Command {
  const command = new Command("evaluate")
    .description("Rank the whole catalogue for every user and print the metrics beside popularity.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .addOption(new Option("--split <part>", "which part").choices(["test", "validation"]).default("test"))
    .addOption(
      new Option("--seen <rule>", "whether items of the history are candidates")
        .choices(["exclude", "include"])
        .default("exclude"),
    )
    .option("--data <folder>", "the dataset folder, where it was moved")
    .option("--threads <count>", "threads of the model", wholeNumber(1, 1024))
    .action(({ json, verbose, ...request }: Options) =>
      printEvaluation({ ...request, json: json === true }, context),
    );
  return withCommon(command, "sequitur evaluate --run runs/movies --split test");
}
