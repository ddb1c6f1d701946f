/** @file How long a full-ranking evaluation takes: every test user of Amazon Beauty against every item. */
import { join } from "node:path";
import { evaluateCases } from "../src/evaluation/cases.ts";
import { modelScorer, scoringThreads } from "../src/retrieval/model-scorer.ts";
import { spread } from "./machine.ts";
import { openShared, openTrainer } from "./session.ts";

export async function benchEvaluation({
  shared,
  threads,
  rounds = 5,
}: {
  shared: string;
  threads: number;
  rounds?: number;
}): Promise<Record<string, unknown>> {
  const dataset = await openShared(join(shared, "data", "amazon-beauty"));
  const { config, split, runtime, learner, items } = await openTrainer(dataset, threads);
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const scorer = await modelScorer({
      config,
      items,
      params: learner.weights.params,
      mode: "stored",
      runtime,
      threads: scoringThreads(threads),
    });
    await evaluateCases({ scorer, cases: split.test });
    seconds.push((performance.now() - began) / 1000);
    await scorer.dispose();
  }
  await runtime.dispose();
  return { data: "amazon-beauty", users: split.test.target.length, items, threads, seconds: spread(seconds) };
}
