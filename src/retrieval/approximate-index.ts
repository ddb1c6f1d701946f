/** @file Approximate search in a graph of near neighbours (usearch), candidates scored again in float32. */
import { createRequire } from "node:module";
import type { Index } from "usearch";
import { RuntimeFailure } from "../tensor/errors.ts";
import { measureRecall } from "./recall.ts";
import { createTopList, type Hits } from "./top-list.ts";
import { acceptance, answerFew, type Question, rescored, type VectorIndex } from "./vector-index.ts";
import type { VectorTable } from "./vector-table.ts";

export interface ApproximateOptions {
  readonly threads?: number;
  /** Neighbours of each row in the graph; 16 by default. */
  readonly connectivity?: number;
  /** Rows looked at while a row is added, and while one is searched; 96 and 64 by default. */
  readonly expansionAdd?: number;
  readonly expansionSearch?: number;
  readonly onProgress?: ((progress: { readonly done: number; readonly rows: number }) => void) | undefined;
}

/** Candidates for each row that is asked for: so many, doubled until the recall on sample queries is reached. */
const candidatesFor = { recall: 0.96, least: 4, most: 64 } as const;
/** Rows that are added in one call. */
const BATCH = 4096;

/**
 * An index of a hierarchical navigable small world (Malkov & Yashunin 2016, arXiv:1603.09320) over float16 vectors.
 * Rows of different lengths get one more element that makes all of them equally long, so that the nearest is the one of
 * the largest inner product (Bachrach et al. 2014). The number of candidates is as large as the recall on sample queries
 * asks for. Where filters and exclusions leave too few of the candidates, more
 * are asked for, four times as many each time; in the end `exact` answers.
 */
export async function approximateIndex(
  table: VectorTable,
  exact: VectorIndex,
  options: ApproximateOptions = {},
): Promise<VectorIndex> {
  const { threads = 1, connectivity = 16, expansionAdd = 96, expansionSearch = 64, onProgress } = options;
  const { dim } = table;
  let candidates: number = candidatesFor.least;
  const longest = longestRow(table);
  const width = graphWidth(table);
  const graph: Index = new (usearch().Index)({
    dimensions: width,
    metric: "ip",
    quantization: "f16",
    connectivity,
    expansion_add: expansionAdd,
    expansion_search: expansionSearch,
    multi: false,
  } as never);
  const added = new Set<number>();
  for (let from = 0; from < table.size; from += BATCH) {
    const rows = liveRows(table, from, Math.min(from + BATCH, table.size));
    if (rows.length > 0) graph.add(keysOf(rows), levelled(table, rows, longest), threads);
    onProgress?.({ done: Math.min(from + BATCH, table.size), rows: table.size });
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const row of liveRows(table, 0, table.size)) added.add(row);

  function nearest(query: Float32Array, count: number): Int32Array {
    const { keys } = graph.search(query, count, 1) as { keys: BigUint64Array };
    return Int32Array.from(keys, Number);
  }

  /** null where the graph gives too few. */
  function searchOne(queries: Float32Array, q: number, question: Question): Hits | null {
    const few = answerFew(table, queries, q, question);
    if (few) return few;
    const { k, excluded } = question;
    const query = new Float32Array(width);
    query.set(queries.subarray(q * dim, (q + 1) * dim));
    const scale = 1 / Math.max(1e-12, Math.hypot(...query));
    for (let c = 0; c < dim; c++) query[c]! *= scale; // what stays zero belongs to the added element
    const accepts = acceptance(table, question);
    const most = Math.min(added.size, 4096);
    for (let count = k * candidates + excluded.size; ; count *= 4) {
      const asked = Math.min(count, most);
      if (asked <= 0) return null;
      const found = nearest(query, asked).filter(accepts);
      if (found.length >= k * candidates || (found.length >= k && asked === count))
        return rescored(table, queries, q, found, k);
      if (asked < count) return null;
    }
  }

  const index: VectorIndex = {
    kind: "approximate",
    get bytes() {
      return added.size * (2 * width + 4 * 2 * connectivity + 24);
    },
    async search(queries, questions) {
      const hits = questions.map((question, q) => searchOne(queries, q, question));
      for (const [q, found] of hits.entries()) {
        if (found) continue;
        const query = queries.slice(q * dim, (q + 1) * dim);
        hits[q] = (await exact.search(query, [questions[q]!]))[0]!;
      }
      return hits.map((found) => found ?? createTopList(0).hits());
    },
    put(row) {
      if (added.has(row)) graph.remove(BigInt(row));
      graph.add(BigInt(row), levelled(table, [row], longest), 1);
      added.add(row);
    },
    remove(row) {
      if (added.delete(row)) graph.remove(BigInt(row));
    },
    dispose: () => exact.dispose(),
  };
  while (candidates < candidatesFor.most && (await measureRecall(table, index, exact)) < candidatesFor.recall)
    candidates *= 2;
  return index;
}

let loaded: typeof import("usearch") | undefined;

/** @throws RuntimeFailure where the package has no binary for this system */
function usearch(): typeof import("usearch") {
  try {
    loaded ??= createRequire(import.meta.url)("usearch") as typeof import("usearch");
    return loaded;
  } catch (error) {
    const message = `approximate search needs the package usearch, which could not be loaded (${(error as Error).message}); use the int8 or the exact index`;
    throw new RuntimeFailure("no-usearch", message);
  }
}

const keysOf = (rows: readonly number[]): BigUint64Array => BigUint64Array.from(rows, BigInt);

function liveRows(table: VectorTable, from: number, to: number): number[] {
  const rows: number[] = [];
  for (let row = from; row < to; row++) if ((table.live[row >>> 5]! >>> (row & 31)) & 1) rows.push(row);
  return rows;
}

function longestRow(table: VectorTable): number {
  let longest = 1e-12;
  for (const row of liveRows(table, 0, table.size))
    longest = Math.max(longest, Math.hypot(...table.ready(row)));
  return longest;
}

/** Elements of a row in the graph: one more where lengths differ, in a width that vector instructions like. */
const graphWidth = ({ dim, similarity }: VectorTable): number =>
  similarity === "cosine" ? dim : 16 * Math.ceil((dim + 1) / 16);

/** Rows of length one: divided by the longest, element D makes up for what is missing. */
function levelled(table: VectorTable, rows: readonly number[], longest: number): Float32Array {
  const { dim } = table;
  const width = graphWidth(table);
  const vectors = new Float32Array(rows.length * width);
  rows.forEach((row, place) => {
    let square = 0;
    table.ready(row).forEach((value, c) => {
      const scaled = value / longest;
      vectors[place * width + c] = scaled;
      square += scaled * scaled;
    });
    if (width > dim) vectors[place * width + dim] = Math.sqrt(Math.max(0, 1 - square));
  });
  return vectors;
}
