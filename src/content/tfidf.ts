/** @file TF-IDF over words and pairs of neighbouring words. */

import type { SparseRows } from "./sparse.ts";
import { sharedFloats, sharedInts } from "./sparse.ts";
import { words } from "./words.ts";

/** The texts of one item, one for each field: pairs of words do not cross from one to the next. */
export type Texts = readonly string[];

/** Which terms count, and how much. */
export interface Vocabulary {
  /** Word → its number. */
  readonly words: ReadonlyMap<string, number>;
  /** Word number, or `pair` of two, → column. */
  readonly columns: ReadonlyMap<number, number>;
  /** Column → ln((1 + documents) / (1 + documents with the term)) + 1. */
  readonly weights: Float32Array;
}

/** The most terms that are kept, those of the most documents first. */
const MOST_TERMS = 1 << 18;
/** Terms counted at once; beyond that, those seen once so far are forgotten. */
const MOST_COUNTED = 1 << 23;
/** A pair's number is beyond every word's: words are fewer than 2²⁴, the most that a Map holds. */
const WORDS = 2 ** 24;

const pair = (left: number, right: number): number => (left + 1) * WORDS + right;

/** The texts as numbers of words: −1 ends a field. */
interface Numbered {
  readonly words: Map<string, number>;
  readonly documents: readonly Int32Array[];
}

/** Texts as TF-IDF rows of length 1, and the vocabulary; what only one text has is left out where there are more. */
export function tfidf(texts: readonly Texts[]): {
  readonly rows: SparseRows;
  readonly vocabulary: Vocabulary;
} {
  const { words: known, documents } = numbered(texts);
  const counts = documentCounts(documents);
  const least = [...counts.values()].some((count) => count > 1) ? 2 : 1;
  const kept = mostCommon(counts, least);
  const weights = new Float32Array(kept.length);
  const columns = new Map<number, number>();
  for (const [column, term] of kept.entries()) {
    columns.set(term, column);
    weights[column] = Math.log((1 + texts.length) / (1 + counts.get(term)!)) + 1;
  }
  const vocabulary = { words: known, columns, weights };
  const rows = documents.map((document) => rowOf(document, vocabulary));
  return { rows: sparse(rows, kept.length), vocabulary };
}

/** Rows of other texts in a vocabulary that is there already: new words are left out. */
export function tfidfRows(texts: readonly Texts[], vocabulary: Vocabulary): SparseRows {
  const rows = texts.map((fields) => {
    const numbers: number[] = [];
    for (const field of fields) {
      for (const word of words(field)) numbers.push(vocabulary.words.get(word) ?? -1);
      numbers.push(-1);
    }
    return rowOf(Int32Array.from(numbers), vocabulary);
  });
  return sparse(rows, vocabulary.weights.length);
}

function numbered(texts: readonly Texts[]): Numbered {
  const known = new Map<string, number>();
  const documents = texts.map((fields) => {
    const numbers: number[] = [];
    for (const field of fields) {
      for (const word of words(field)) {
        const number = known.get(word);
        if (number !== undefined) numbers.push(number);
        else if (known.size < WORDS - 1) {
          numbers.push(known.size);
          known.set(word, known.size);
        } else numbers.push(-1);
      }
      numbers.push(-1);
    }
    return Int32Array.from(numbers);
  });
  return { words: known, documents };
}

/** Calls `each` with every word and every pair of neighbouring words. */
function terms(document: Int32Array, each: (term: number) => void): void {
  let before = -1;
  for (const word of document) {
    if (word >= 0) each(word);
    if (word >= 0 && before >= 0) each(pair(before, word));
    before = word;
  }
}

/** Term → number of documents with it. */
function documentCounts(documents: readonly Int32Array[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const document of documents) {
    const own = new Set<number>();
    terms(document, (term) => own.add(term));
    for (const term of own) counts.set(term, (counts.get(term) ?? 0) + 1);
    if (counts.size <= MOST_COUNTED) continue;
    for (const [term, count] of counts) if (count === 1) counts.delete(term);
  }
  return counts;
}

/** Terms of `least` documents or more, most first, at most `MOST_TERMS`; ties in the order of their numbers. */
function mostCommon(counts: ReadonlyMap<number, number>, least: number): number[] {
  const kept = [...counts].filter(([, count]) => count >= least);
  kept.sort(([left, some], [right, others]) => others - some || left - right);
  return kept.slice(0, MOST_TERMS).map(([term]) => term);
}

type Row = readonly (readonly [column: number, value: number])[];

/** (1 + ln count) · weight, to length 1. */
function rowOf(document: Int32Array, { columns, weights }: Vocabulary): Row {
  const counts = new Map<number, number>();
  terms(document, (term) => {
    const column = columns.get(term);
    if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
  });
  const row = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([column, count]): [number, number] => {
      return [column, (1 + Math.log(count)) * weights[column]!];
    });
  const length = Math.sqrt(row.reduce((sum, [, value]) => sum + value * value, 0));
  return row.map(([column, value]) => [column, value / length]);
}

function sparse(rows: readonly Row[], columns: number): SparseRows {
  const offsets = sharedInts(rows.length + 1);
  for (const [at, row] of rows.entries()) offsets[at + 1] = offsets[at]! + row.length;
  const indices = sharedInts(offsets[rows.length]!);
  const values = sharedFloats(offsets[rows.length]!);
  for (const [at, row] of rows.entries()) {
    for (const [i, [column, value]] of row.entries()) {
      indices[offsets[at]! + i] = column;
      values[offsets[at]! + i] = value;
    }
  }
  return { rows: rows.length, columns, offsets, indices, values };
}
