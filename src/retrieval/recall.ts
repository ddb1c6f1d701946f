/** @file How much of the exact answer another index finds. */
import { stream } from "../tensor/random.ts";
import type { Hits } from "./top-list.ts";
import type { Question, VectorIndex } from "./vector-index.ts";
import type { VectorTable } from "./vector-table.ts";

/** What an index is asked for when its recall is measured. */
export interface RecallSample {
  /** Whose states these are: of users' histories, or made up. */
  readonly origin: "users" | "made-up";
  /** [Q, D] */
  readonly states: Float32Array;
  /** For each state, the rows that its list is without; none where absent. */
  readonly excluded?: readonly Int32Array[];
}

/** The part of the exact best rows that an index finds, 0 … 1; rows that tie with the last count. */
export type MeasureRecall = (index: VectorIndex) => Promise<number>;

/** Asks exact search once; what is returned then measures any index of the same rows. */
export async function recallOn(
  { states, excluded }: RecallSample,
  exact: VectorIndex,
  { dim }: VectorTable,
  k = 10,
): Promise<MeasureRecall> {
  const questions = Array.from(
    { length: states.length / dim },
    (_, q): Question => ({ k, excluded: new Set(excluded?.[q]), allowed: null }),
  );
  const right = await exact.search(states, questions);
  return async (index) => partFound(right, await index.search(states, questions));
}

function partFound(right: readonly Hits[], given: readonly Hits[]): number {
  let [found, all] = [0, 0];
  right.forEach(({ scores }, q) => {
    const least = scores.at(-1)!;
    const slack = 1e-6 * Math.max(1, Math.abs(least));
    all += scores.length;
    found += given[q]!.scores.filter((score) => score >= least - slack).length;
  });
  return all === 0 ? 1 : found / all;
}

/** Recall on made-up states. */
export async function measureRecall(
  table: VectorTable,
  index: VectorIndex,
  exact: VectorIndex,
): Promise<number> {
  return (await recallOn(madeUpSample(table), exact, table))(index);
}

/** Made-up states, for want of users. */
export const madeUpSample = (table: VectorTable): RecallSample => ({
  origin: "made-up",
  states: sampleQueries(table, 64),
});

/** States [Q, D] near rows of the table, somewhat as those of histories are: a row and as much noise again. */
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
