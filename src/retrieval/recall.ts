/** @file How much of the exact answer another index finds. */
import { stream } from "../tensor/random.ts";
import type { Question, VectorIndex } from "./vector-index.ts";
import type { VectorTable } from "./vector-table.ts";

export interface RecallOptions {
  /** States [Q, D]; by default rows of the table with noise, drawn with a fixed seed. */
  readonly queries?: Float32Array;
  /** 10 by default. */
  readonly k?: number;
}

/** The part of the exact best `k` rows that an index finds, over sample queries; rows that tie with the last count. */
export async function measureRecall(
  table: VectorTable,
  index: VectorIndex,
  exact: VectorIndex,
  { queries = sampleQueries(table, 64), k = 10 }: RecallOptions = {},
): Promise<number> {
  const question: Question = { k, excluded: new Set(), allowed: null };
  const questions = Array.from({ length: queries.length / table.dim }, () => question);
  const [right, given] = [await exact.search(queries, questions), await index.search(queries, questions)];
  let [found, all] = [0, 0];
  right.forEach(({ scores }, q) => {
    const least = scores.at(-1)!;
    const slack = 1e-6 * Math.max(1, Math.abs(least));
    all += scores.length;
    found += given[q]!.scores.filter((score) => score >= least - slack).length;
  });
  return all === 0 ? 1 : found / all;
}

/** States [Q, D] near rows of the table, as those of histories are: a row and as much noise again. */
export function sampleQueries(table: VectorTable, count: number, seed = 1): Float32Array {
  const { dim, size } = table;
  const draws = stream(seed, "recall");
  const queries = new Float32Array((size === 0 ? 0 : count) * dim);
  draws.fillNormal(queries, 1);
  for (let q = 0; q < queries.length / dim; q++) {
    const row = table.ready(Math.floor((q * size) / count));
    const length = Math.hypot(...row) / Math.sqrt(dim);
    for (let c = 0; c < dim; c++) queries[q * dim + c] = row[c]! + length * queries[q * dim + c]!;
  }
  return queries;
}
