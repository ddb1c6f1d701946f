/** @file Evaluates a run with progress and prints the result; what train, evaluate and demo share. */

import type { SeenRule } from "../evaluation/cases.ts";
import type { Part, StoredEvaluation } from "../evaluation/result.ts";
import type { ScorerOptions } from "../evaluation/run-folder.ts";
import type { Context } from "./context.ts";
import { createProgressLine, grouped } from "./progress.ts";

export interface EvaluationRequest extends ScorerOptions {
  readonly run: string;
  readonly data?: string | undefined;
  readonly split?: Part | undefined;
  readonly seen?: SeenRule | undefined;
}

/** Evaluates a run, showing how far it is. */
export async function evaluateWithProgress(
  { run, data, split, seen, threads, device }: EvaluationRequest,
  context: Context,
): Promise<StoredEvaluation> {
  const { evaluateRun } = await import("../evaluation/evaluate-run.ts");
  const line = createProgressLine(context);
  return evaluateRun({
    run,
    openScorer: context.engine.openScorer,
    ...(data === undefined ? {} : { data }),
    ...(split === undefined ? {} : { split }),
    ...(seen === undefined ? {} : { seen }),
    threads,
    device,
    onProgress: ({ done, users }) => line.update(`evaluating ${grouped(done)} of ${grouped(users)} users`),
  }).finally(line.clear);
}

/** Evaluates a run and prints the fixed JSON or the table. */
export async function printEvaluation(
  { json, ...request }: EvaluationRequest & { readonly json: boolean },
  context: Context,
): Promise<void> {
  const evaluation = await evaluateWithProgress(request, context);
  const { EvaluationResult, evaluationTable } = await import("../evaluation/result.ts");
  const text = json ? JSON.stringify(EvaluationResult.parse(evaluation)) : evaluationTable(evaluation);
  context.out(`${text}\n`);
}
