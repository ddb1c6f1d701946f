/** @file Approximate search in a graph of near neighbours (usearch), candidates scored again in float32. */
import { createRequire } from "node:module";
import type { Index } from "usearch";
import { RuntimeFailure } from "../tensor/errors.ts";
import { type Bits, countBits, grownBits, hasBit, setBit } from "./bits.ts";
import { type IndexCache, indexKey } from "./index-cache.ts";
import { type MeasureRecall, madeUpSample, recallOn } from "./recall.ts";
import { createTopList, type Hits } from "./top-list.ts";
import { acceptance, answerFew, type Question, rescored, type VectorIndex } from "./vector-index.ts";
import { isLive, type VectorTable } from "./vector-table.ts";

export interface ApproximateOptions {
  readonly threads?: number | undefined;
  /** Neighbours of each row in the graph; 16 by default. */
  readonly connectivity?: number;
  /** Rows looked at while a row is added, and while one is searched; 96 and 64 by default. */
  readonly expansionAdd?: number;
  readonly expansionSearch?: number;
  /** Where the graph is kept for the next time; nowhere by default. */
  readonly cache?: IndexCache | undefined;
  /** What decides on the number of candidates; recall on made-up states by default. */
  readonly measure?: MeasureRecall | undefined;
  readonly onMessage?: ((text: string) => void) | undefined;
}

/** Candidates for each row that is asked for: so many, doubled until the recall on a sample is reached. */
const candidatesFor = { recall: 0.96, least: 4, most: 64 } as const;
/** Rows that are added in one call. */
const BATCH = 4096;
/** How often to say how far the building is. */
const TELL_MS = 5000;
/** Goes into the name of a kept graph: another number where the same rows and settings make another graph. */
const FORMAT = 1;

/**
 * An index of a hierarchical navigable small world (Malkov & Yashunin 2016, arXiv:1603.09320). Its vectors are int8 where
 * rows are of length one: measured over a million rows, that is as fast to build as float16 and finds more, because the
 * candidates are scored again. Rows of different lengths are float16 and get one more element that makes all of them
 * equally long, so that the nearest is the one of the largest inner product (Bachrach et al. 2014). The number of
 * candidates is as large as the recall on a sample asks for. Where filters and exclusions leave too few of the
 * candidates, more are asked for, four times as many each time; in the end `exact` answers.
 */
export async function approximateIndex(
  table: VectorTable,
  exact: VectorIndex,
  options: ApproximateOptions = {},
): Promise<VectorIndex> {
  const { connectivity = 16, expansionAdd = 96, expansionSearch = 64 } = options;
  const { dim } = table;
  let candidates: number = candidatesFor.least;
  const longest = longestRow(table);
  const width = graphWidth(table);
  const settings = {
    dimensions: width,
    metric: "ip",
    quantization: table.similarity === "cosine" ? "i8" : "f16",
    connectivity,
    expansion_add: expansionAdd,
    expansion_search: expansionSearch,
    multi: false,
  };
  const empty = (): Index => new (usearch().Index)(settings as never);
  const { graph, readSeconds } = await graphOf(table, longest, { empty, settings, options });
  let added: Bits = table.live.slice();
  let count = countBits(added);

  function nearest(query: Float32Array, wanted: number): Int32Array {
    const { keys } = graph.search(query, wanted, 1) as { keys: BigUint64Array };
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
    const most = Math.min(count, 4096);
    for (let wanted = k * candidates + excluded.size; ; wanted *= 4) {
      const asked = Math.min(wanted, most);
      if (asked <= 0) return null;
      const found = nearest(query, asked).filter(accepts);
      if (found.length >= k * candidates || (found.length >= k && asked === wanted))
        return rescored(table, queries, q, found, k);
      if (asked < wanted) return null;
    }
  }

  function forget(row: number): void {
    if (!hasBit(added, row)) return;
    graph.remove(BigInt(row));
    setBit(added, row, false);
    count--;
  }

  const index: VectorIndex & { readonly readSeconds: number | undefined } = {
    kind: "approximate",
    readSeconds,
    get bytes() {
      return count * (bytesOf[settings.quantization]! * width + 4 * 2 * connectivity + 24);
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
      forget(row);
      graph.add(BigInt(row), levelled(table, [row], longest), 1);
      added = grownBits(added, row + 1);
      setBit(added, row, true);
      count++;
    },
    remove: forget,
    dispose: () => exact.dispose(),
  };
  const measure = options.measure ?? (await recallOn(madeUpSample(table), exact, table));
  while (candidates < candidatesFor.most && (await measure(index)) < candidatesFor.recall) candidates *= 2;
  return index;
}

/** Bytes of an element. */
const bytesOf: Readonly<Record<string, number>> = { i8: 1, f16: 2 };

interface GraphParts {
  readonly empty: () => Index;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly options: ApproximateOptions;
}

/** The graph of all live rows: the one that was kept, or a new one, which then is kept. */
async function graphOf(
  table: VectorTable,
  longest: number,
  { empty, settings, options }: GraphParts,
): Promise<{ readonly graph: Index; readonly readSeconds?: number }> {
  const { cache, onMessage } = options;
  if (!cache) return { graph: await buildGraph(table, longest, empty(), options) };
  const key = indexKey(table, { format: FORMAT, ...settings });
  const began = performance.now();
  const kept = await cache.find(key);
  if (kept) {
    const graph = empty();
    graph.load(kept.path);
    if (graph.size() === countBits(table.live))
      return { graph, readSeconds: (performance.now() - began) / 1000 };
  }
  const graph = await buildGraph(table, longest, empty(), options);
  await cache
    .keep(key, (performance.now() - began) / 1000, (path) => graph.save(path))
    .catch((error: Error) => onMessage?.(`the index could not be kept for the next start: ${error.message}`));
  return { graph };
}

/** Adds all live rows; says how far it is where that takes long. */
async function buildGraph(
  table: VectorTable,
  longest: number,
  graph: Index,
  { threads = 1, onMessage }: ApproximateOptions,
): Promise<Index> {
  let told = performance.now();
  for (let from = 0; from < table.size; from += BATCH) {
    const rows = liveRows(table, from, Math.min(from + BATCH, table.size));
    if (rows.length > 0) graph.add(keysOf(rows), levelled(table, rows, longest), threads);
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - told < TELL_MS) continue;
    told = performance.now();
    onMessage?.(
      `building the index: ${Math.floor((100 * Math.min(from + BATCH, table.size)) / table.size)} %`,
    );
  }
  return graph;
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
  for (let row = from; row < to; row++) if (isLive(table, row)) rows.push(row);
  return rows;
}

function longestRow(table: VectorTable): number {
  if (table.similarity === "cosine") return 1;
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
