/** @file What the browser test computes on both sides: one training step and one scoring call of a small SASRec. */
import { emptyBatch, fillBatch, planEpoch } from "../src/data/batches.ts";
import type { Runtime } from "../src/runtime/runtime.ts";
import type { Tensor } from "../src/tensor/spec.ts";
import { modelScorer, recipeConfig, trainStep } from "../src/web.ts";

/** Outputs by name. */
export type Figures = Record<string, number[]>;

const [items, rows, width, seed] = [60, 4, 16, 7];
const settings = {
  "items.dim": 16,
  "backbone.heads": 2,
  "backbone.dropout": 0.3,
  "training.maxLength": 12,
  "training.rowLength": width,
};
const config = recipeConfig({ set: Object.entries(settings).map(([path, value]) => ({ path, value })) });

/** Ten histories of different lengths. */
const offsets = Int32Array.from([0, 3, 9, 10, 22, 30, 34, 36, 48, 52, 60]);
const sequence = Int32Array.from({ length: 60 }, (_, k) => (k * 17 + 3) % items);

export async function trainAndScore(runtime: Runtime): Promise<Figures> {
  const step = trainStep(config, { items, rows, width });
  const params = step.params.initialize(seed);
  const program = await runtime.compile(step.graph, { params: "fed" });
  const outputs = await program.run({ ...params, ...batch() }, { seed, index: 3 });
  await program.dispose();
  const scorer = await modelScorer({ config, items, params, mode: "stored", runtime });
  const scores = await scorer.score({ offsets: offsets.slice(0, 4), items: sequence.slice(0, 10) });
  await scorer.dispose();
  const figures = Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]);
  return { ...Object.fromEntries(figures), scores: [...scores] };
}

function batch(): Record<string, Tensor> {
  const plan = planEpoch({ offsets, sequence }, { rows, width, maxLength: 12, seed, epoch: 1 });
  const filled = emptyBatch({ rows, width });
  fillBatch(plan, 0, filled);
  const { item, position, segment, target, weight } = filled;
  const columns = Object.entries({ item, position, segment, target, weight });
  return Object.fromEntries(columns.map(([name, data]) => [name, { data, shape: [rows, width] }]));
}
