/** @file What is known of a run: its settings, its training curves and its evaluation, for the page about it. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathLiteral, streamRows, withDatabase } from "../../data/database.ts";
import { readJson, systemCode, unreadable } from "../../data/files.ts";
import { evaluationFiles, readEvaluation } from "../../evaluation/result.ts";
import { type OpenRun, runFiles } from "../../evaluation/run-folder.ts";
import { rankMetrics } from "../../metrics/ranks.ts";
import { DataError } from "../../tensor/errors.ts";
import type { RunAnswer } from "./schemas.ts";

/** Smallest number of training interactions in each group of targets. */
const groups = [0, 5, 10, 20, 50, 100, 200, 500];

/** Everything about a run, read anew, so that an evaluation that was made meanwhile is in it. */
export async function runReport(run: OpenRun, model: string): Promise<RunAnswer> {
  const { manifest } = run;
  return {
    model,
    recipe: manifest.recipe,
    seed: manifest.seed,
    config: manifest.config,
    items: manifest.dataset.items,
    users: manifest.dataset.users,
    data: manifest.dataset.fingerprint,
    seconds: manifest.seconds.train,
    bestEpoch: manifest.bestEpoch,
    epochs: await epochsOf(run),
    evaluation: await evaluationOf(run),
    health: run.manifest.files[runFiles.health] ? await healthOf(run) : null,
  };
}

const healthOf = async ({ directory }: OpenRun): Promise<RunAnswer["health"]> =>
  (await readJson(join(directory, runFiles.health))) as RunAnswer["health"];

async function epochsOf({ directory }: OpenRun): Promise<RunAnswer["epochs"]> {
  const path = join(directory, runFiles.metrics);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return ""; // a baseline has no epochs
    throw unreadable(path, error);
  });
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const { epoch, loss, learningRate, validation } = JSON.parse(line) as RunAnswer["epochs"][number];
    return { epoch, loss, learningRate, validation };
  });
}

async function evaluationOf(run: OpenRun): Promise<RunAnswer["evaluation"]> {
  try {
    const { fingerprint, users, metrics, baselines, groups } = await readEvaluation(run.directory, "test");
    const known = Object.entries(baselines).filter(
      (entry): entry is [string, Record<string, number>] => !!entry[1],
    );
    return {
      fingerprint,
      users,
      metrics,
      baselines: Object.fromEntries(known),
      byPopularity: await byPopularity(run),
      ...(groups && { groups }),
    };
  } catch (error) {
    if (error instanceof DataError && error.code === "not-evaluated") return null;
    throw error;
  }
}

type Group = NonNullable<RunAnswer["evaluation"]>["byPopularity"][number];

/** Metrics of the cases whose target is about so popular. */
async function byPopularity({ directory, items }: OpenRun): Promise<Group[]> {
  const countOf = new Map(items.map(({ id, count }) => [id, count]));
  const ranks = groups.map((): number[] => []);
  const file = pathLiteral(join(directory, evaluationFiles("test").ranks));
  const sql = `SELECT target, CAST(rank AS INTEGER) FROM read_csv(${file}, header = true, all_varchar = true)`;
  await withDatabase({}, (database) =>
    streamRows(database, sql, ([target, rank]) => {
      const count = countOf.get(target as string) ?? 0;
      ranks[groups.findLastIndex((from) => count >= from)]!.push(rank as number);
    }),
  );
  return groups.flatMap((from, k) => {
    const own = Int32Array.from(ranks[k]!);
    if (own.length === 0) return [];
    const metrics = rankMetrics(own);
    const to = k + 1 < groups.length ? groups[k + 1]! - 1 : null;
    return [{ from, to, users: own.length, "HR@10": metrics["HR@10"]!, "NDCG@10": metrics["NDCG@10"]! }];
  });
}
