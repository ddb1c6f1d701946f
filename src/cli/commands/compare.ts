/** @file sequitur compare */

import { Command, Option } from "commander";
import type { Part } from "../../evaluation/result.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, withCommon } from "../options.ts";

interface Options extends CommonOptions {
  readonly split: Part;
}

export function compareCommand(context: Context): Command {
  const command = new Command("compare")
    .description("Put evaluated runs side by side; runs of different protocols never share a table.")
    .argument("<run...>", "run folders")
    .addOption(new Option("--split <part>", "which part").choices(["test", "validation"]).default("test"))
    .action((runs: readonly string[], options: Options) => compare(runs, options, context));
  return withCommon(command, "sequitur compare runs/one runs/two");
}

async function compare(runs: readonly string[], { split, json }: Options, context: Context): Promise<void> {
  const { comparisonText, compareRuns } = await import("../../evaluation/compare.ts");
  const tables = await compareRuns(runs, split);
  context.out(`${json ? JSON.stringify({ tables }) : comparisonText(tables)}\n`);
}
