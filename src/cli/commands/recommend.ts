/** @file sequitur recommend */

import { Command, Option } from "commander";
import type { ScorerOptions } from "../../evaluation/run-folder.ts";
import { formatTable } from "../../evaluation/table.ts";
import type { Recommendation } from "../../serving/recommender.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Context } from "../context.ts";
import { type CommonOptions, readIds, wholeNumber, withCommon, withScorer } from "../options.ts";

interface Options extends CommonOptions, ScorerOptions {
  readonly run: string;
  readonly user?: string;
  readonly history?: readonly string[];
  readonly k: number;
  readonly exclude?: readonly string[];
  readonly data?: string;
}

export function recommendCommand(context: Context): Command {
  const command = new Command("recommend")
    .description("Recommend items to a user of the dataset, or to anyone by a history of item ids.")
    .requiredOption("--run <folder>", "the run folder that train wrote")
    .addOption(new Option("--user <id>", "a user of the dataset").conflicts("history"))
    .option("--history <ids>", "item ids, oldest first: ID,ID,… or a JSON array", readIds)
    .option("-k <count>", "how many items", wholeNumber(1, 1000), 10)
    .option("--exclude <ids>", "item ids that must not be recommended", readIds)
    .option("--data <folder>", "the dataset folder, where it was moved")
    .action((options: Options) => recommend(options, context));
  return withCommon(withScorer(command), "sequitur recommend --run runs/movies --history 318,296,593 -k 5");
}

async function recommend(options: Options, context: Context): Promise<void> {
  const { run, user, history, k, exclude, data, threads, device, json } = options;
  if (user === undefined && history === undefined) {
    const message = "sequitur recommend: give --user ID or --history ID,ID; see sequitur recommend --help";
    throw new ConfigError("history-or-user", message);
  }
  const { openRecommender } = await import("../../serving/open-recommender.ts");
  const users = user === undefined ? "none" : "required";
  const { openScorer } = context.engine;
  const recommender = await openRecommender({ run, openScorer, users, data, threads, device });
  try {
    const answer = await recommender.recommend({ user, history, k, exclude });
    context.out(`${json ? JSON.stringify(answer) : recommendationText(answer)}\n`);
  } finally {
    await recommender.dispose();
  }
}

/** A table of rank, id, score and title, with what the caller should know below. */
export function recommendationText({ items, unknown, reason }: Recommendation): string {
  const rows = items.map(({ id, score, title = "" }, at) => [`${at + 1}  ${title}`, id, score.toFixed(4)]);
  const notes = [
    ...(items.length === 0 ? ["nothing is left: every item is in the history or excluded"] : []),
    ...(unknown === undefined ? [] : [`not in the catalogue and skipped: ${unknown.join(", ")}`]),
    ...(reason === undefined ? [] : [reason]),
  ];
  const table = items.length === 0 ? [] : [formatTable(["", "item", "score"], rows)];
  return [...table, ...notes].join("\n");
}
