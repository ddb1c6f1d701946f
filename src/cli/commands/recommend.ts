/** @file sequitur recommend */

import { Command, InvalidArgumentError, Option } from "commander";
import type { ScorerOptions } from "../../evaluation/run-folder.ts";
import { formatTable } from "../../evaluation/table.ts";
import type { Recommendation, RecommendRequest } from "../../serving/recommender.ts";
import type { RecommendationTrace } from "../../serving/trace.ts";
import { ConfigError } from "../../tensor/errors.ts";
import type { Context } from "../context.ts";
import { anyNumber, type CommonOptions, readIds, wholeNumber, withCommon, withScorer } from "../options.ts";

interface Options extends CommonOptions, ScorerOptions {
  readonly run: string;
  readonly user?: string;
  readonly history?: readonly string[];
  readonly k: number;
  readonly exclude?: readonly string[];
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly diversity?: number;
  readonly trace?: true | readonly string[];
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
    .option("--filter <json>", 'what item fields must be: {"year":{"gte":1990}}', readFilter)
    .option("--diversity <lambda>", "0: by score alone, up to 1: unlike each other", anyNumber)
    .option("--trace [ids]", "why these items, and what became of others: ID,ID,…", readTraced)
    .option("--data <folder>", "the dataset folder, where it was moved")
    .action((options: Options) => recommend(options, context));
  return withCommon(withScorer(command), "sequitur recommend --run runs/movies --history 318,296,593 -k 5");
}

async function recommend(options: Options, context: Context): Promise<void> {
  const { run, user, history, k, exclude, filter, diversity, data, threads, device, json } = options;
  if (user === undefined && history === undefined) {
    const message = "sequitur recommend: give --user ID or --history ID,ID; see sequitur recommend --help";
    throw new ConfigError("history-or-user", message);
  }
  const { openRecommender } = await import("../../serving/open-recommender.ts");
  const users = user === undefined ? "none" : "required";
  const { openScorer, openRetriever } = context.engine;
  const given = { run, openScorer, openRetriever, users, data, threads, device } as const;
  const recommender = await openRecommender(given);
  try {
    const answer = await recommender.recommend({
      user,
      history,
      k,
      exclude,
      filter,
      diversity,
      trace: tracing(options.trace),
    });
    context.out(`${json ? JSON.stringify(answer) : recommendationText(answer)}\n`);
  } finally {
    await recommender.dispose();
  }
}

const tracing = (trace: Options["trace"]): RecommendRequest["trace"] =>
  trace === undefined || trace === true ? trace : { items: trace };

/** A table of rank, id, score and title, with what the caller should know below. */
export function recommendationText({ items, unknown, reason, trace }: Recommendation): string {
  const rows = items.map(({ id, score, title = "" }, at) => [`${at + 1}  ${title}`, id, score.toFixed(4)]);
  const notes = [
    ...(items.length === 0
      ? ["nothing is left: every item is in the history, excluded or filtered away"]
      : []),
    ...(unknown === undefined ? [] : [`not in the catalogue and skipped: ${unknown.join(", ")}`]),
    ...(reason === undefined ? [] : [reason]),
    ...(trace === undefined ? [] : traceLines(trace)),
  ];
  const table = items.length === 0 ? [] : [formatTable(["", "item", "score"], rows)];
  return [...table, ...notes].join("\n");
}

/** Why each item is there, and what became of those that were asked about. */
function traceLines({ items, asked }: RecommendationTrace): string[] {
  const number = (value: number | null): string => (value === null ? "-" : value.toFixed(3));
  const why = items.map(({ id, source, history }) => {
    const near = history.map(
      (past) => `${past.id} (cosine ${number(past.cosine)}, ${number(past.change)} of the score)`,
    );
    return `${id}: from ${source}${near.length === 0 ? "" : `, near ${near.join(", ")}`}`;
  });
  const whyNot = asked.map(({ id, outcome, rank, filter }) => {
    const place = rank === undefined ? "" : `, rank ${rank}`;
    const fails = filter === undefined ? "" : `: ${filter.field} is ${JSON.stringify(filter.values)}`;
    return `${id}: ${outcome}${place}${fails}`;
  });
  return ["", ...why, ...whyNot];
}

function readTraced(text: string | true): true | readonly string[] {
  return text === true ? true : readIds(text);
}

function readFilter(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new InvalidArgumentError('it must be a JSON object such as {"year":{"gte":1990}}');
}
