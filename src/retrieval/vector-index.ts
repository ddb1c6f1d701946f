/** @file What finds the items whose vectors have the largest inner products with a state. */
import { type Bits, countBits, eachBit, hasBit } from "./bits.ts";
import { createTopList, type Hits, type TopList } from "./top-list.ts";
import type { VectorTable } from "./vector-table.ts";

export const indexKinds = ["exact", "int8", "approximate"] as const;
export type IndexKind = (typeof indexKinds)[number];

/** What one query may find. */
export interface Question {
  /** How many rows; fewer come back only where fewer are left. */
  readonly k: number;
  /** Rows that may not be found. */
  readonly excluded: ReadonlySet<number>;
  /** The only rows that may be found; null for all. */
  readonly allowed: Bits | null;
}

/** Finds the best live rows of a vector table. Scores are float32 inner products, whatever the index is. */
export interface VectorIndex {
  readonly kind: IndexKind;
  /** Memory beside the table's. */
  readonly bytes: number;
  /** How long it took to read, where it was not built. */
  readonly readSeconds?: number | undefined;
  /** The best rows for each of the states [Q, D], best first, ties by lower row; nothing where nothing is left. */
  search(queries: Float32Array, questions: readonly Question[]): Promise<Hits[]>;
  /** Tells that the table has a new vector for a row. */
  put(row: number): void;
  /** Tells that a row was removed from the table. */
  remove(row: number): void;
  dispose(): Promise<void>;
}

/** Whether a question may find a row. */
export function acceptance(
  table: Pick<VectorTable, "live">,
  { excluded, allowed }: Question,
): (row: number) => boolean {
  const { live } = table;
  if (allowed === null) return (row) => hasBit(live, row) && !excluded.has(row);
  return (row) => hasBit(live, row) && hasBit(allowed, row) && !excluded.has(row);
}

/** A filter that leaves at most this part of the rows is answered row by row, which is then faster than any index. */
const selective = 1 / 12;

/** The direct answer where a question allows few rows; null where it allows many. */
export function answerFew(
  table: VectorTable,
  queries: Float32Array,
  q: number,
  question: Question,
): Hits | null {
  const { allowed, k } = question;
  if (k === 0) return createTopList(0).hits();
  if (allowed === null || countBits(allowed, table.live) > Math.max(1024, table.size * selective))
    return null;
  const top = createTopList(Math.min(k, table.size));
  eachBit(allowed, table.live, (row) => {
    if (!question.excluded.has(row)) offer(top, table.dot(queries, q * table.dim, row), row);
  });
  return top.hits();
}

/** Puts a row into a list if it belongs there; rows may come in any order. */
export function offer(top: TopList, product: number, row: number): void {
  const score = Math.fround(product);
  if (!top.full()) {
    if (!Number.isNaN(score)) top.push(score, row);
  } else if (top.beatsWorst(score, row)) top.replaceWorst(score, row);
}

/** Candidates scored again in float32: the best `k`. */
export function rescored(
  table: VectorTable,
  queries: Float32Array,
  q: number,
  candidates: Iterable<number>,
  k: number,
): Hits {
  const top = createTopList(Math.min(k, table.size));
  for (const row of candidates) offer(top, table.dot(queries, q * table.dim, row), row);
  return top.hits();
}
