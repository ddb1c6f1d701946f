/** @file Lists for histories: the model first, then what the chain of fallbacks has; filters, diversity and traces. */
import { createAttributes, type ItemFields } from "./attributes.ts";
import { type Bits, fullBits, grownBits, hasBit, setBit } from "./bits.ts";
import type { IndexReport } from "./build-index.ts";
import type { ContentReader } from "./content-reader.ts";
import { type Chosen, diversify, diversityPool } from "./diversity.ts";
import { explain, type Trace } from "./explain.ts";
import { type Interactions, neighbourFallback, popularFallback, recentCounts } from "./fallbacks.ts";
import type { Filter } from "./filter.ts";
import { type History, packHistories, someItems } from "./histories.ts";
import type { Near } from "./neighbour-lists.ts";
import type { Source } from "./source.ts";
import type { Hits } from "./top-list.ts";
import type { Question } from "./vector-index.ts";

/** Where a recommended item comes from: the model, or what stands in for it. */
export type CandidateSource = "sequence" | "item-knn" | "popularity";

/** What is asked of a retriever, in rows. */
export interface Ask {
  /** Oldest first; rows that the model does not know are passed over. */
  readonly history: Int32Array;
  /** When each was met and when this is asked; for models that read times. */
  readonly times?: History["times"];
  readonly k: number;
  readonly excluded: Int32Array;
  readonly filter?: Filter | undefined;
  /** λ of `diversify`, 0 … 1. */
  readonly diversity?: number | undefined;
  /** Rows to be explained beside those that are found; absent where nothing is. */
  readonly trace?: readonly number[] | undefined;
}

/** Best first; those of a later source stand after those of an earlier one. */
export interface Found extends Hits {
  readonly sources: readonly CandidateSource[];
  readonly trace?: Trace | undefined;
}

export interface SimilarAsk extends Pick<Ask, "k" | "excluded" | "filter" | "diversity"> {
  readonly row: number;
}

/** What is put into a row. */
export interface NewItem {
  /** What the model makes of the item, as `keptVectors` lays it; without it, an item that the model knows keeps its vector; null takes it away. */
  readonly vector?: Float32Array | null | undefined;
  /** The rows that its content is nearest to, where that is part of the scores. */
  readonly near?: Near | undefined;
  readonly fields?: ItemFields | undefined;
}

/** Finds items for histories; serves in a worker. */
export interface Retriever {
  /** Rows at the start. */
  readonly items: number;
  /** The most asks of one call. */
  readonly batch: number;
  /** Names of the fields that can be filtered. */
  readonly fields: readonly string[];
  readonly report: IndexReport | null;
  /** What makes vectors of items' content; absent where none is at hand. */
  readonly content?: ContentReader | undefined;
  retrieve(asks: readonly Ask[]): Promise<Found[]>;
  similar(ask: SimilarAsk): Promise<Hits>;
  /** Adds or changes an item; true where the model can recommend it. */
  put(row: number, item: NewItem): Promise<boolean>;
  remove(row: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface RetrieverParts {
  readonly source: Source;
  /** Training interactions of each row. */
  readonly counts: ArrayLike<number>;
  /** Fields of each row; none by default. */
  readonly fields?: readonly ItemFields[] | undefined;
  readonly interactions?: Interactions | undefined;
  /** Interactions of each row of late; by default those that `interactions` tell of. */
  readonly recent?: ArrayLike<number> | undefined;
}

/** A retriever on the calling thread. */
export function createRetriever(parts: RetrieverParts): Retriever {
  const { source, counts, fields = [], interactions } = parts;
  const attributes = createAttributes(fields);
  let present: Bits = fullBits(counts.length);
  let size = counts.length;
  const fallbacks = lazily(() => [
    ...(interactions
      ? [{ name: "item-knn" as const, ...neighbourFallback(interactions, counts.length) }]
      : []),
    {
      name: "popularity" as const,
      ...popularFallback(counts, parts.recent ?? recentCounts(counts, interactions), () => size),
    },
  ]);

  function question({ k, excluded, filter }: Pick<Ask, "k" | "excluded" | "filter">): Question {
    const allowed = filter && filter.length > 0 ? attributes.allowed(filter) : null;
    return { k, excluded: new Set(excluded), allowed };
  }

  /** Those of the model, and as many of the fallbacks as are missing. */
  function filled(ask: Ask, asked: Question, hits: Hits): Found {
    const rows = Array.from(hits.rows);
    const scores = Array.from(hits.scores);
    const sources = rows.map((): CandidateSource => "sequence");
    const taken = new Set(rows);
    for (const { name, list } of rows.length < ask.k ? fallbacks() : []) {
      const { allowed, excluded } = asked;
      const accepts = (row: number): boolean =>
        hasBit(present, row) &&
        !excluded.has(row) &&
        !taken.has(row) &&
        (allowed === null || hasBit(allowed, row));
      const more = list(ask.history, { ...asked, k: ask.k - rows.length }, accepts);
      for (const [place, row] of more.rows.entries()) {
        taken.add(row);
        rows.push(row);
        scores.push(more.scores[place]!);
        sources.push(name);
      }
    }
    return { rows: Int32Array.from(rows), scores: Float32Array.from(scores), sources };
  }

  async function answer(ask: Ask, known: History, asked: Question, hits: Hits): Promise<Found> {
    const chosen = ask.diversity ? chosenBy(hits, ask.k, ask.diversity, source) : undefined;
    const found = filled(ask, asked, chosen ? pick(hits, chosen) : hits);
    if (!ask.trace) return found;
    const context = {
      source,
      attributes,
      present,
      known,
      asked: { ...asked, k: ask.k },
      filter: ask.filter ?? [],
    };
    return { ...found, trace: await explain(context, found, chosen, ask.trace) };
  }

  return {
    items: counts.length,
    batch: source.batch,
    get fields() {
      return attributes.fields;
    },
    report: source.report,
    async retrieve(asks) {
      const known = asks.map(({ history, times }) => someItems({ rows: history, times }, source.usable));
      const open = [...asks.keys()].filter((a) => known[a]!.rows.length > 0);
      const questions = asks.map((ask) =>
        question({ ...ask, k: ask.diversity ? diversityPool(ask.k) : ask.k }),
      );
      const histories = packHistories(
        open.map((a) => known[a]!),
        source.maxLength,
      );
      const hits =
        open.length > 0
          ? await source.search(
              histories,
              open.map((a) => questions[a]!),
            )
          : [];
      const found: Found[] = [];
      for (const [a, ask] of asks.entries()) {
        const own = open.indexOf(a);
        found.push(await answer(ask, known[a]!, questions[a]!, own < 0 ? nothing : hits[own]!));
      }
      return found;
    },
    async similar({ row, k, excluded, filter, diversity }) {
      const asked = question({
        k: diversity ? diversityPool(k) : k,
        excluded: Int32Array.of(row, ...excluded),
        filter,
      });
      const hits = source.usable(row) ? await source.similar(row, asked) : nothing;
      return diversity ? pick(hits, chosenBy(hits, k, diversity, source)) : hits;
    },
    async put(row, { vector, near, fields: values }) {
      size = Math.max(size, row + 1);
      present = grownBits(present, size);
      setBit(present, row, true);
      if (values) attributes.put(row, values);
      if (vector === null) source.remove(row);
      else source.put(row, vector, near);
      return source.usable(row);
    },
    async remove(row) {
      if (row < present.length * 32) setBit(present, row, false);
      source.remove(row);
    },
    dispose: () => source.dispose(),
  };
}

const nothing: Hits = { rows: new Int32Array(0), scores: new Float32Array(0) };

const chosenBy = (hits: Hits, k: number, lambda: number, source: Source): Chosen[] =>
  diversify(hits, k, lambda, (a, b) => source.cosine(a, b) ?? 0);

const pick = ({ rows, scores }: Hits, chosen: readonly Chosen[]): Hits => ({
  rows: Int32Array.from(chosen, ({ place }) => rows[place]!),
  scores: Float32Array.from(chosen, ({ place }) => scores[place]!),
});

function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
