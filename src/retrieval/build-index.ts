/** @file Chooses and builds the index of a catalogue, and measures what it finds. */
import { approximateIndex } from "./approximate-index.ts";
import { exactIndex } from "./exact-index.ts";
import { indexCache } from "./index-cache.ts";
import { int8Index } from "./int8-index.ts";
import { madeUpSample, type RecallSample, recallOn } from "./recall.ts";
import type { IndexKind, VectorIndex } from "./vector-index.ts";
import type { VectorTable } from "./vector-table.ts";

export interface IndexOptions {
  /** "auto" chooses by the number of items. */
  readonly index?: IndexKind | "auto" | undefined;
  readonly threads?: number | undefined;
  /** Threads that build an index which takes long; as many as search by default. */
  readonly buildThreads?: number | undefined;
  /** The folder where such an index is kept for the next time; nowhere by default. */
  readonly cache?: string | undefined;
  /** Told how far the building is. */
  readonly onMessage?: ((text: string) => void) | undefined;
  /** Makes what recall is measured on, called where it is; made-up states by default and where this gives none. */
  readonly sample?: (() => Promise<RecallSample | undefined>) | undefined;
}

/** What is known of an index when it is built. */
export interface IndexReport {
  readonly kind: IndexKind;
  /** Of the ten best by exact search, the part that is found; 1 for exact search. */
  readonly recall: number;
  /** What that was measured on: so many states of users or made-up ones; null where nothing had to be measured. */
  readonly measuredOn: { readonly origin: RecallSample["origin"]; readonly states: number } | null;
  readonly seconds: number;
  /** Where it comes from: built, or read from a file. */
  readonly origin: "built" | "read";
  /** Bytes of the float table, and of the index beside it. */
  readonly tableBytes: number;
  readonly indexBytes: number;
}

/** Up to so many items exact search is fast; up to so many the int8 index is, and builds in seconds. */
const largest = { exact: 200_000, int8: 3_000_000 } as const;

/** The index for a catalogue of so many items. */
export function chooseIndex(items: number): IndexKind {
  if (items <= largest.exact) return "exact";
  return items <= largest.int8 ? "int8" : "approximate";
}

/** Builds the index that is asked for, or the one that suits the size. */
export async function buildIndex(
  table: VectorTable,
  options: IndexOptions = {},
): Promise<{ readonly index: VectorIndex; readonly report: IndexReport }> {
  const { index: wanted = "auto", threads = 1, buildThreads = threads, cache, onMessage } = options;
  const kind = wanted === "auto" ? chooseIndex(table.size) : wanted;
  const began = performance.now();
  const exact = await exactIndex(table, { threads });
  if (kind === "exact")
    return { index: exact, report: { ...built(table, exact, began), recall: 1, measuredOn: null } };
  const sample = (await options.sample?.()) ?? madeUpSample(table);
  const measure = await recallOn(sample, exact, table);
  const building = performance.now();
  const index =
    kind === "int8"
      ? await int8Index(table, { threads })
      : await approximateIndex(table, exact, {
          threads: buildThreads,
          cache: cache === undefined ? undefined : indexCache(cache),
          measure,
          onMessage,
        });
  const facts = built(table, index, building);
  const measuredOn = { origin: sample.origin, states: sample.states.length / table.dim };
  const report = { ...facts, recall: await measure(index), measuredOn };
  if (kind === "int8") await exact.dispose();
  return { index, report };
}

/** What is known of an index whose building `began` at that time, and has just ended. */
const built = (table: VectorTable, index: VectorIndex, began: number) => ({
  kind: index.kind,
  seconds: (performance.now() - began) / 1000,
  origin: index.readSeconds === undefined ? ("built" as const) : ("read" as const),
  tableBytes: table.bytes,
  indexBytes: index.bytes,
});

/** One line about an index, for people. */
export function describeIndex({
  kind,
  recall,
  measuredOn,
  seconds,
  origin,
  tableBytes,
  indexBytes,
}: IndexReport): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  const memory = `${megabytes(tableBytes)} of vectors`;
  if (kind === "exact") return `search: exact, ${memory}`;
  const { origin: whose, states } = measuredOn!;
  const measured = whose === "users" ? `for ${states} users` : `for ${states} made-up questions`;
  return `search: ${kind}, recall@10 ${recall.toFixed(4)} against exact search ${measured}, ${memory} and ${megabytes(indexBytes)} of index, ${origin} in ${seconds.toFixed(1)} s`;
}
