/** @file Evaluation where some items were kept from training: apart for cold and warm targets, beside content neighbours. */

import type { Dataset } from "../data/dataset.ts";
import { listFeatures, openFeatures } from "../data/features.ts";
import type { Cases } from "../data/sequences.ts";
import { rankMetrics } from "../metrics/ranks.ts";
import { neighbourScorer } from "../retrieval/content-neighbours.ts";
import { workerRuntime } from "../runtime/worker.ts";
import { type CaseResult, evaluateCases, type SeenRule } from "./cases.ts";
import type { Baselines, Group } from "./result.ts";
import type { OpenRun } from "./run-folder.ts";

/** The name of the untrained baseline in results. */
export const neighboursName = "content-neighbours";

/** The metrics of each, popularity among them. */
export function metricsOf(results: Readonly<Record<string, CaseResult>>): Baselines {
  const all = Object.entries(results).map(([name, { metrics }]) => [name, { ...metrics }] as const);
  return Object.fromEntries(all) as Baselines;
}

/** The metrics of a model and of baselines for the users whose target is warm, and for those whose target is cold. */
export function coldGroups(
  results: Readonly<Record<string, CaseResult>>,
  { target }: Cases,
  cold: Uint8Array,
): { readonly warm: Group; readonly cold: Group } {
  const groupOf = (mark: number): Group => {
    const own = (ranks: Int32Array): Int32Array => ranks.filter((_, c) => cold[target[c]!] === mark);
    const each = Object.entries(results).map(([name, { ranks }]) => [name, rankMetrics(own(ranks))] as const);
    const { model, ...baselines } = Object.fromEntries(each);
    const users = target.filter((item) => cold[item] === mark).length;
    return { users, metrics: { ...model! }, baselines: baselines as Baselines };
  };
  return { warm: groupOf(0), cold: groupOf(1) };
}

/**
 * What nearness of content says without any training, from the first table that the run was trained with, or one named
 * "text"; undefined where there is neither.
 */
export async function contentNeighbours(
  run: OpenRun,
  dataset: Dataset,
  options: { readonly cases: Cases; readonly seen: SeenRule },
): Promise<CaseResult | undefined> {
  const there = await listFeatures(dataset);
  const wanted = [...Object.keys(run.manifest.features ?? {}), "text"];
  const name = wanted.find((table) => there.includes(table));
  if (name === undefined) return undefined;
  const runtime = workerRuntime();
  try {
    const scorer = await neighbourScorer(await openFeatures(dataset, name), { runtime });
    return await evaluateCases({ ...options, scorer });
  } finally {
    await runtime.dispose();
  }
}
