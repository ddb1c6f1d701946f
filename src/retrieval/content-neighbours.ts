/** @file The content baseline: items near those of the history by their features alone, without any training. */
import type { FeatureTable } from "../data/features.ts";
import { Graph } from "../graph/graph.ts";
import { matmul } from "../graph/ops/index.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { f32 } from "../tensor/spec.ts";
import { type Scorer, scoringBatch } from "./scorer.ts";

export interface NeighbourOptions {
  readonly runtime: Runtime;
  /** How much less an item counts than the one after it; default .8. */
  readonly decay?: number;
  readonly threads?: number;
}

/** Items of a history that still count. */
const longest = 50;

/** Scores Σ decay^age · cosine of the features over the items of a history; items without content score 0. */
export async function neighbourScorer(
  { dim, values, present }: Pick<FeatureTable, "dim" | "values" | "present">,
  { runtime, decay = 0.8, threads }: NeighbourOptions,
): Promise<Scorer> {
  const items = present.length;
  const vectors = unitRows(values, dim);
  const graph = new Graph();
  const query = graph.input("query", f32("Q", dim));
  const table = graph.param("vectors", f32(items, dim), { data: vectors, shape: [items, dim] });
  graph.output("scores", matmul(query, table, { transB: true }));
  const program = await runtime.compile(graph, { threads, shapes: "open" });
  return {
    items,
    batch: scoringBatch(items),
    maxLength: longest,
    async score({ offsets, items: history }) {
      const rows = offsets.length - 1;
      const data = new Float32Array(rows * dim);
      for (let q = 0; q < rows; q++) {
        for (let at = offsets[q]!; at < offsets[q + 1]!; at++) {
          const share = decay ** (offsets[q + 1]! - 1 - at);
          const from = history[at]! * dim;
          for (let c = 0; c < dim; c++) data[q * dim + c]! += share * vectors[from + c]!;
        }
      }
      const { scores } = await program.run({ query: { data, shape: [rows, dim] } });
      return scores!.data as Float32Array;
    },
    dispose: () => program.dispose(),
  };
}

/** Rows of length one; those of zeros stay. */
export function unitRows(values: Float32Array, dim: number): Float32Array {
  const rows = values.slice();
  for (let from = 0; from < rows.length; from += dim) {
    const row = rows.subarray(from, from + dim);
    const length = Math.sqrt(row.reduce((total, v) => total + v * v, 0));
    if (length > 0) for (let c = 0; c < dim; c++) row[c]! /= length;
  }
  return rows;
}
