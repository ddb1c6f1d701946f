/** @file sequitur evaluate */

import { Command, Option } from "commander";
import type { SeenRule } from "../../evaluation/cases.ts";
import type { Part } from "../../evaluation/result.ts";
import type { ScorerOptions } from "../../evaluation/run-folder.ts";
import type { Context } from "../context.ts";
import { printEvaluation } from "../evaluation.ts";
import { type CommonOptions, withCommon, withScorer } from "../options.ts";

interface Options extends CommonOptions, ScorerOptions {
  readonly run: string;
  readonly split: Part;
  readonly seen: SeenRule;
  readonly data?: string;
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
    .action(({ json, verbose, ...request }: Options) =>
      printEvaluation({ ...request, json: json === true }, context),
    );
  return withCommon(withScorer(command), "sequitur evaluate --run runs/movies --split test");
}
