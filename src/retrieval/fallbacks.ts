/** @file What is recommended where the model knows nothing: neighbours by shared people, then what was popular of late. */
import { invert } from "../data/invert.ts";
import { createTopList, type Hits } from "./top-list.ts";
import { offer, type Question } from "./vector-index.ts";

/** The histories that the model was trained on. */
export interface Interactions {
  readonly offsets: Int32Array;
  /** Rows, per user in time order. */
  readonly sequence: Int32Array;
  /** Seconds since 1970 beside `sequence`. */
  readonly times?: Float64Array | undefined;
}

type Accepts = (row: number) => boolean;

/** Lists rows without a model. */
export interface Fallback {
  list(history: Int32Array, question: Question, accepts: Accepts): Hits;
}

/** The most recent items of a history that have a say, people looked at for each, and items of each of those. */
const most = { items: 20, people: 200, together: 100 } as const;
const [decay, shrink] = [0.8, 5];

/**
 * Items that people of the history's items also have, weighed as the baseline "item-knn" does, computed when asked for
 * from at most 200 people of each item.
 *
 * Source: Sarwar et al., WWW 2001; sampling of people is ours.
 */
export function neighbourFallback({ offsets, sequence }: Interactions, items: number): Fallback {
  const people = invert({ offsets, sequence }, items, 500);
  const degree = (row: number): number => (row < items ? people.offsets[row + 1]! - people.offsets[row]! : 0);

  /** How many of the sampled people have each other row. */
  function together(row: number): Map<number, number> {
    const counts = new Map<number, number>();
    const [from, count] = [people.offsets[row]!, degree(row)];
    const step = Math.max(1, count / most.people);
    for (let p = 0; p < count; p += step) {
      const person = people.sequence[from + Math.floor(p)]!;
      const end = offsets[person + 1]!;
      const recent = sequence.subarray(Math.max(offsets[person]!, end - most.together), end);
      for (const other of new Set(recent))
        if (other !== row) counts.set(other, (counts.get(other) ?? 0) + step);
    }
    return counts;
  }

  return {
    list(history, { k }, accepts) {
      const scores = new Map<number, number>();
      let share = 1;
      for (const row of history.slice(-most.items).reverse()) {
        if (degree(row) > 0) {
          for (const [other, count] of together(row)) {
            const weight = count / (Math.sqrt(degree(row) * degree(other)) + shrink);
            scores.set(other, (scores.get(other) ?? 0) + share * weight);
          }
        }
        share *= decay;
      }
      const top = createTopList(Math.min(k, scores.size));
      for (const [row, score] of scores) if (accepts(row)) offer(top, score, row);
      return top.hits();
    },
  };
}

/** "Of late": the last days of the data. */
const RECENT_SECONDS = 30 * 86_400;

/** Rows by their interactions of late, ties by all. Rows added since, of which there are `size()` with the others, stand last. */
export function popularFallback(
  counts: ArrayLike<number>,
  recent: ArrayLike<number>,
  size: () => number,
): Fallback {
  const order = Int32Array.from(counts, (_, row) => row).sort(
    (a, b) => recent[b]! - recent[a]! || counts[b]! - counts[a]! || a - b,
  );
  return {
    list(_, { k }, accepts) {
      const rows: number[] = [];
      for (let place = 0; place < size() && rows.length < k; place++) {
        const row = order[place] ?? place;
        if (accepts(row)) rows.push(row);
      }
      return { rows: Int32Array.from(rows), scores: Float32Array.from(rows, (row) => recent[row] ?? 0) };
    },
  };
}

/** Interactions of each row in the last thirty days of the data; in all, where there are no times. */
export function recentCounts(counts: ArrayLike<number>, interactions?: Interactions): Float64Array {
  if (!interactions?.times || interactions.times.length === 0) return Float64Array.from(counts);
  const { sequence, times } = interactions;
  const latest = times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const recent = new Float64Array(counts.length);
  for (let at = 0; at < times.length; at++)
    if (times[at]! >= latest - RECENT_SECONDS) recent[sequence[at]!]!++;
  return recent;
}
