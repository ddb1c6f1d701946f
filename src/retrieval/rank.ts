/** @file Ranks a target and lists the best items of one row of scores. */

import { createTopList, scan } from "./top-list.ts";

/** One row of scores to rank. */
export interface Row {
  /** Scores of all items, at `scores[start .. start + items)`. */
  readonly scores: Float32Array;
  readonly start: number;
  /** Items that are no candidates: `excluded[from .. to)`, in any order, repeats allowed. */
  readonly excluded: Int32Array;
  readonly from: number;
  readonly to: number;
}

/** Ranks rows of a fixed number of items; holds the scratch memory, so one ranker serves one row at a time. */
export interface Ranker {
  /**
   * The pessimistic rank of `target`: 1 + the number of other candidates that do not score lower. A NaN on either side
   * counts against the model. The target is a candidate even where it is excluded. Fills `top` on the way.
   */
  rank(row: Row, target: number): number;
  /** Fills `top` alone: the best candidates, ties by lower index, at most `limit`; what scores NaN is never listed. */
  best(row: Row, limit?: number): Int32Array;
  /** The list of the last row, best first; valid until the next row. */
  top(): Int32Array;
}

/** Makes a ranker for rows of `items` scores and lists of up to `k` items. */
export function createRanker(items: number, k: number): Ranker {
  const marks = new Int32Array(items);
  const longest = Math.min(k, items);
  const heap = createTopList(longest);
  let stamp = 0;

  function mark({ excluded, from, to }: Row, target: number): void {
    if (stamp === 0x7fffffff) marks.fill(0);
    stamp = stamp === 0x7fffffff ? 1 : stamp + 1;
    for (let e = from; e < to; e++) marks[excluded[e]!] = stamp;
    if (target >= 0) marks[target] = 0;
  }

  /** How many excluded items, each once, do not score lower than the target; unmarks them. */
  function excludedAbove({ scores, start, excluded, from, to }: Row, target: number): number {
    const score = scores[start + target]!;
    let count = 0;
    for (let e = from; e < to; e++) {
      const item = excluded[e]!;
      if (marks[item] !== stamp) continue;
      marks[item] = 0;
      if (!(scores[start + item]! < score)) count++;
    }
    return count;
  }

  function list({ scores, start }: Row, limit: number): void {
    heap.clear(limit);
    scan(heap, { scores, start, end: start + items, first: 0 }, (item) => marks[item] !== stamp);
  }

  return {
    rank(row, target) {
      mark(row, target);
      list(row, longest);
      const lower = countLower(row.scores, row.start, items, row.scores[row.start + target]!);
      return items - lower - excludedAbove(row, target); // the target is not lower than itself: the 1 of the rank
    },
    best(row, limit = longest) {
      mark(row, -1);
      list(row, Math.min(limit, longest));
      return heap.sorted();
    },
    top: () => heap.sorted(),
  };
}

/** How many scores are below `score`. Adding the comparison avoids a branch that no processor can predict. */
function countLower(scores: Float32Array, start: number, items: number, score: number): number {
  const end = start + items;
  let lower = 0;
  let at = start;
  for (; at < end - 3; at += 4) {
    const first = Number(scores[at]! < score) + Number(scores[at + 1]! < score);
    lower = (lower + first + Number(scores[at + 2]! < score) + Number(scores[at + 3]! < score)) | 0;
  }
  for (; at < end; at++) lower = (lower + Number(scores[at]! < score)) | 0;
  return lower;
}
