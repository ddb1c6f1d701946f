/** @file A fitted baseline as a scorer. */
import { Graph } from "../graph/graph.ts";
import { add, matmul } from "../graph/ops/index.ts";
import type { BaselineState, Factors } from "../models/baselines/define.ts";
import { baselineOf } from "../models/baselines/index.ts";
import type { BaselineConfig } from "../models/config.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { f32 } from "../tensor/spec.ts";
import { historyAt, type Scorer, scoringBatch } from "./scorer.ts";

export interface BaselineScorerOptions {
  readonly items: number;
  /** What the fit left. */
  readonly state: BaselineState;
  /** Multiplies the vectors of histories with those of items, where scores are such products. */
  readonly runtime: Runtime;
  readonly threads?: number | undefined;
}

/** Scores histories on the calling thread, but for products, which are made by the runtime. */
export async function baselineScorer(
  { baseline }: BaselineConfig,
  { items, state, runtime, threads }: BaselineScorerOptions,
): Promise<Scorer> {
  const part = baselineOf(baseline.name);
  const shape = { items, maxLength: 2 ** 30, batch: scoringBatch(items) };
  if (part.factors)
    return { ...shape, ...(await products(part.factors(state, baseline as never), runtime, threads)) };
  const scoreOne = part.scorer(state, items, baseline as never);
  return {
    ...shape,
    async score(histories) {
      const scores = new Float32Array((histories.offsets.length - 1) * items);
      for (let q = 0; q < scores.length / items; q++)
        scoreOne(historyAt(histories, q), scores.subarray(q * items, (q + 1) * items));
      return scores;
    },
    dispose: async () => {},
  };
}

/** Scores [Q, N] as one product of the vectors of all histories. */
async function products(
  { items, bias, vectorOf }: Factors,
  runtime: Runtime,
  threads: number | undefined,
): Promise<Pick<Scorer, "score" | "dispose">> {
  const graph = new Graph();
  const [count, width] = items.shape as [number, number];
  const table = graph.param("items", f32(count, width), items);
  const biases = graph.param("bias", f32(count), bias);
  const vectors = graph.input("vectors", f32("Q", width));
  graph.output("scores", add(matmul(vectors, table, { transB: true }), biases));
  const program = await runtime.compile(graph, { threads, shapes: "open" });
  return {
    async score(histories) {
      const rows = histories.offsets.length - 1;
      const data = new Float32Array(rows * width);
      for (let q = 0; q < rows; q++) data.set(vectorOf(historyAt(histories, q)), q * width);
      const { scores } = await program.run({ vectors: { data, shape: [rows, width] } });
      return scores!.data as Float32Array;
    },
    dispose: () => program.dispose(),
  };
}
