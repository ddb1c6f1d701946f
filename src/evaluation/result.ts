/** @file The result of an evaluation: its fixed JSON form, its files in a run folder, and its table. */

import { join } from "node:path";
import { z } from "zod";
import { readJson, writeAtomic } from "../data/files.ts";
import { DataError } from "../tensor/errors.ts";
import { describeProtocol, Protocol } from "./protocol.ts";
import { formatTable } from "./table.ts";

const Metrics = z.record(z.string(), z.number());
/** Content neighbours stand beside popularity where items were kept from training and their content is known. */
const Baselines = z.object({ popularity: Metrics, "content-neighbours": Metrics.optional() });
export type Baselines = z.infer<typeof Baselines>;
/** Some of the users. */
const Group = z.object({ users: z.int(), metrics: Metrics, baselines: Baselines });
export type Group = z.infer<typeof Group>;

/** What `evaluate --json` prints; the names are fixed. */
export const EvaluationResult = z.object({
  recipe: z.string(),
  split: z.enum(["test", "validation"]),
  users: z.int(),
  items: z.int(),
  metrics: Metrics,
  baselines: Baselines,
  /** Users whose target training knew, and those whose target it did without; only where it did without some items. */
  groups: z.object({ warm: Group, cold: Group }).optional(),
  fingerprint: z.string(),
  seed: z.int(),
  seconds: z.object({ train: z.number(), evaluate: z.number() }),
});
export type EvaluationResult = z.infer<typeof EvaluationResult>;

/** What evaluation-test.json holds: the result, and the protocol that its fingerprint stands for. */
export const StoredEvaluation = EvaluationResult.extend({ protocol: Protocol });
export type StoredEvaluation = z.infer<typeof StoredEvaluation>;

export type Part = EvaluationResult["split"];

/** The names of the files that an evaluation writes; one with seen items among the candidates has files of its own. */
export function evaluationFiles(part: Part, seen: Protocol["seen"] = "exclude") {
  const name = seen === "exclude" ? part : `${part}-seen`;
  return { result: `evaluation-${name}.json`, ranks: `ranks-${name}.csv` } as const;
}

/** Reads the stored evaluation of a run folder; DataError where there is none yet or it was altered. */
export async function readEvaluation(directory: string, part: Part): Promise<StoredEvaluation> {
  const path = join(directory, evaluationFiles(part).result);
  const value = await readJson(path).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.code !== "missing-file") throw error;
    const message = `${directory}: this run has no ${part} evaluation yet; run "sequitur evaluate --run ${directory} --split ${part}" first`;
    throw new DataError("not-evaluated", message, { directory, part });
  });
  const parsed = StoredEvaluation.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const message = `${path}: ${issue.path.join(".") || "the file"}: ${issue.message}; evaluate the run again`;
  throw new DataError("invalid-evaluation", message, { path });
}

/** One line of ranks-test.csv. */
export interface RankLine {
  readonly user: string;
  readonly target: string;
  readonly rank: number;
}

/** Writes the result and the ranks of every user into the run folder, each whole or not at all. */
export async function writeEvaluation(
  directory: string,
  evaluation: StoredEvaluation,
  ranks: Iterable<RankLine>,
): Promise<void> {
  const files = evaluationFiles(evaluation.split, evaluation.protocol.seen);
  const lines = ["user,target,rank"];
  for (const { user, target, rank } of ranks) lines.push(`${csvField(user)},${csvField(target)},${rank}`);
  await writeAtomic(join(directory, files.ranks), `${lines.join("\n")}\n`);
  await writeAtomic(join(directory, files.result), `${JSON.stringify(evaluation, null, 2)}\n`);
}

/** A CSV field as RFC 4180 wants it; fields with outer spaces are quoted too. */
export function csvField(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The model beside its baselines, apart for warm and cold targets where there are such, with the protocol in a line below. */
export function evaluationTable(evaluation: StoredEvaluation): string {
  const { recipe, users, groups, metrics, baselines, protocol } = evaluation;
  const names = Object.keys(metrics);
  const rowsOf = (group: Group, label = ""): string[][] =>
    Object.entries({ [recipe]: group.metrics, ...group.baselines }).map(([name, values]) => [
      `${name}${label}`,
      ...names.map((metric) => metricCell(values?.[metric])),
    ]);
  const rows = [
    ...rowsOf({ users, metrics, baselines }),
    ...(groups ? rowsOf(groups.warm, ", warm") : []),
    ...(groups ? rowsOf(groups.cold, ", cold") : []),
  ];
  const shares = groups
    ? `\nwarm: the target was trained on, ${groups.warm.users.toLocaleString("en-US")} users; cold: it was kept from training, ${groups.cold.users.toLocaleString("en-US")} users`
    : "";
  return `${formatTable(["", ...names], rows)}${shares}\n${describeProtocol(protocol, users, evaluation.items)}`;
}

/** A metric with four decimals. */
export function metricCell(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(4);
}
