/** @file Puts evaluated runs side by side, one table per protocol. */

import { describeProtocol } from "./protocol.ts";
import { metricCell, type Part, readEvaluation, type StoredEvaluation } from "./result.ts";
import { readRunManifest } from "./run-folder.ts";
import { type Significance, significanceOf, significanceText } from "./significance.ts";
import { formatTable } from "./table.ts";

/** Runs whose numbers mean the same. */
export interface Comparison {
  readonly fingerprint: string;
  readonly runs: readonly { readonly run: string; readonly evaluation: StoredEvaluation }[];
  /** The configurations after the first against it. */
  readonly tests: readonly Significance[];
}

/**
 * Reads the evaluations of run folders, grouped by fingerprint in the order given, and tests each group's configurations
 * against its first; DataError for a run without an evaluation.
 */
export async function compareRuns(
  directories: readonly string[],
  part: Part,
): Promise<readonly Comparison[]> {
  const groups = new Map<string, { run: string; evaluation: StoredEvaluation }[]>();
  for (const run of directories) {
    await readRunManifest(run);
    const evaluation = await readEvaluation(run, part);
    const group = groups.get(evaluation.fingerprint) ?? [];
    groups.set(evaluation.fingerprint, [...group, { run, evaluation }]);
  }
  return Promise.all(
    [...groups].map(async ([fingerprint, runs]) => ({
      fingerprint,
      runs,
      tests: await significanceOf(runs),
    })),
  );
}

/** The comparisons as text, with a sentence where they cannot share a table. */
export function comparisonText(comparisons: readonly Comparison[]): string {
  const tables = comparisons.map(comparisonTable);
  if (tables.length < 2) return tables.join("");
  const why = `these runs were evaluated under ${tables.length} different protocols, so their numbers cannot be compared across tables`;
  return [...tables, why].join("\n\n");
}

function comparisonTable({ runs, tests }: Comparison): string {
  const first = runs[0]!.evaluation;
  const names = Object.keys(first.metrics);
  const cells = (metrics: Readonly<Record<string, number>>) => names.map((name) => metricCell(metrics[name]));
  const rows = runs.map(({ run, evaluation }) => {
    const { recipe, seed, metrics, seconds } = evaluation;
    return [run, recipe, String(seed), ...cells(metrics), seconds.train.toFixed(0)];
  });
  const popularity = ["popularity", "", "", ...cells(first.baselines.popularity), ""];
  const table = formatTable(["run", "recipe", "seed", ...names, "train s"], [...rows, popularity]);
  const lines = [table, describeProtocol(first.protocol, first.users, first.items)];
  return [...lines, ...(tests.length > 0 ? [significanceText(tests)] : [])].join("\n");
}
