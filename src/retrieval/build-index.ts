/** @file Chooses and builds the index of a catalogue, and measures what it finds. */
import { approximateIndex } from "./approximate-index.ts";
import { exactIndex } from "./exact-index.ts";
import { indexCache } from "./index-cache.ts";
import { int8Index } from "./int8-index.ts";
import { measureRecall } from "./recall.ts";
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
}

/** What is known of an index when it is built. */
export interface IndexReport {
  readonly kind: IndexKind;
  /** Of the ten best by exact search, the part that is found, over sample queries; 1 for exact search. */
  readonly recall: number;
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
  const { index = "auto", threads = 1, buildThreads = threads, cache, onMessage } = options;
  const began = performance.now();
  const kind = index === "auto" ? chooseIndex(table.size) : index;
  const exact = await exactIndex(table, { threads });
  const built =
    kind === "exact"
      ? exact
      : await (kind === "int8"
          ? int8Index(table, { threads })
          : approximateIndex(table, exact, {
              threads: buildThreads,
              cache: cache === undefined ? undefined : indexCache(cache),
              onMessage,
            }));
  const seconds = (performance.now() - began) / 1000;
  const recall = kind === "exact" ? 1 : await measureRecall(table, built, exact);
  if (kind === "int8") await exact.dispose();
  const origin = built.readSeconds === undefined ? ("built" as const) : ("read" as const);
  const report = { kind, recall, seconds, origin, tableBytes: table.bytes, indexBytes: built.bytes };
  return { index: built, report };
}

/** One line about an index, for people. */
export function describeIndex({
  kind,
  recall,
  seconds,
  origin,
  tableBytes,
  indexBytes,
}: IndexReport): string {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  const memory = `${megabytes(tableBytes)} of vectors`;
  if (kind === "exact") return `search: exact, ${memory}`;
  return `search: ${kind}, recall@10 ${recall.toFixed(4)} against exact search, ${memory} and ${megabytes(indexBytes)} of index, ${origin} in ${seconds.toFixed(1)} s`;
}
