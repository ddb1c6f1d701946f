/** @file What nearness of content alone says of the next item: neighbours of the history's items, later ones first. */
import type { Near, NeighbourLists } from "./neighbour-lists.ts";

/** Scores of rows by the content of those in a history. */
export interface NearContent {
  /** Adds `weight` · Σ decay^age · cosine over the items of a history, oldest first, to the scores of all rows. */
  add(history: Int32Array, scores: Float32Array): void;
  /** Gives a row other neighbours than it had. */
  put(row: number, near: Near): void;
}

export interface NearOptions {
  readonly weight: number;
  /** How much less an item counts than the one after it. */
  readonly decay: number;
  /** The rows that training never met; they, and those that come later, count so many times as much. */
  readonly unseen?: { readonly rows: Int32Array; readonly times: number } | undefined;
}

/**
 * Scores over the lists of `items` rows. A pair counts where the candidate is in the list of the history's item; for a
 * candidate that was put, where the history's item is in the candidate's own. Rows that came later are no neighbours of each
 * other, since lists are of the rows that were there at first.
 *
 * Source: item neighbours by content, as old as content-based filtering (Pazzani & Billsus 2007); decay and cut are ours.
 */
export function nearContent(
  { rows, cosines }: NeighbourLists,
  items: number,
  { weight, decay, unseen = { rows: new Int32Array(0), times: 1 } }: NearOptions,
): NearContent {
  const factors = new Float32Array(items).fill(1);
  for (const row of unseen.rows) factors[row] = unseen.times;
  const most = rows.length / items;
  const changed = new Map<number, Near>();
  /** Row → rows that were put and are near to it. */
  const towards = new Map<number, Map<number, number>>();

  function listOf(row: number): { readonly rows: Int32Array; readonly scores: Float32Array } {
    const [from, to] = [row * most, row < items ? (row + 1) * most : row * most];
    return changed.get(row) ?? { rows: rows.subarray(from, to), scores: cosines.subarray(from, to) };
  }

  function addOne(row: number, share: number, scores: Float32Array): void {
    const near = listOf(row);
    for (let k = 0; k < near.rows.length; k++) {
      const other = near.rows[k]!;
      if (other < 0) break;
      if (!changed.has(other)) scores[other]! += share * factors[other]! * near.scores[k]!;
    }
    for (const [other, cosine] of towards.get(row) ?? [])
      scores[other]! += share * (factors[other] ?? unseen.times) * cosine;
  }

  return {
    add(history, scores) {
      let share = weight;
      for (let at = history.length - 1; at >= 0 && share > 1e-6; at--, share *= decay)
        addOne(history[at]!, share, scores);
    },
    put(row, near) {
      for (const other of changed.get(row)?.rows ?? []) towards.get(other)?.delete(row);
      changed.set(row, near);
      near.rows.forEach((other, k) => {
        const own = towards.get(other) ?? new Map<number, number>();
        towards.set(other, own.set(row, near.scores[k]!));
      });
    },
  };
}
