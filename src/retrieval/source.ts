/** @file Where candidates come from: a model that is compared by vectors, or one that scores everything. */
import { type Bits, fullBits, grownBits, hasBit, setBit } from "./bits.ts";
import type { IndexReport } from "./build-index.ts";
import { packHistories } from "./histories.ts";
import type { Near } from "./neighbour-lists.ts";
import type { Histories, Scorer } from "./scorer.ts";
import { createTopList, type Hits, scan } from "./top-list.ts";
import { acceptance, type Question } from "./vector-index.ts";

/** What a score is the sum of. */
export interface ScoreParts {
  readonly model: number;
  /** What counting says, where the scoring has a prior. */
  readonly prior?: number;
  /** What the neighbours by content say, where the scoring has them. */
  readonly neighbours?: number;
}

/** Lists and scores of a model for histories of rows that it can use. */
export interface Source {
  /** Rows at the start. */
  readonly items: number;
  readonly maxLength: number;
  /** The most histories of one call. */
  readonly batch: number;
  /** What is known of the index; null where everything is scored. */
  readonly report: IndexReport | null;
  /** The width of a vector; null where the model has none. */
  readonly dim: number | null;
  /** Whether the model knows a row, which was not removed. */
  usable(row: number): boolean;
  /** The best rows for each history. */
  search(histories: Histories, questions: readonly Question[]): Promise<Hits[]>;
  /** The scores of some rows for each history; NaN where the model has none. */
  scores(histories: Histories, rows: readonly number[]): Promise<Float32Array[]>;
  /** What the scores of rows for one history are the sum of; null where they have no parts. */
  parts(history: Histories, rows: readonly number[]): Promise<readonly ScoreParts[] | null>;
  /** The cosine of the vectors of two rows; null where the model has none. */
  cosine(a: number, b: number): number | null;
  /** The rows most like one. */
  similar(row: number, question: Question): Promise<Hits>;
  /** Gives a row a vector and neighbours, or makes one that was removed usable again. */
  put(row: number, vector: Float32Array | undefined, near?: Near): void;
  remove(row: number): void;
  dispose(): Promise<void>;
}

/** A scorer as a source: all scores are computed and looked through. */
export function scoreSource(scorer: Scorer): Source {
  const { items, maxLength, batch } = scorer;
  let live: Bits = fullBits(items);
  const search = async (histories: Histories, questions: readonly Question[]): Promise<Hits[]> => {
    const scores = await scorer.score(histories);
    return questions.map((question, q) => {
      const top = createTopList(Math.min(question.k, items));
      const stretch = { scores, start: q * items, end: (q + 1) * items, first: 0 };
      scan(top, stretch, acceptance({ live }, question));
      return top.hits();
    });
  };
  return {
    items,
    maxLength,
    batch,
    report: null,
    dim: null,
    usable: (row) => row < items && hasBit(live, row),
    search,
    async scores(histories, rows) {
      const scores = await scorer.score(histories);
      return Array.from({ length: histories.offsets.length - 1 }, (_, q) =>
        Float32Array.from(rows, (row) => scores[row < items ? q * items + row : -1] ?? Number.NaN),
      );
    },
    parts: async () => null,
    cosine: () => null,
    similar: async (row, question) =>
      (await search(packHistories([{ rows: Int32Array.of(row) }], maxLength), [question]))[0]!,
    put(row) {
      live = grownBits(live, row + 1);
      if (row < items) setBit(live, row, true);
    },
    remove(row) {
      if (row < items) setBit(live, row, false);
    },
    dispose: () => scorer.dispose(),
  };
}
