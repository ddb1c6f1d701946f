/** @file Ranks a target and lists the best items of one row of scores. */

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
    const end = start + items;
    let at = start;
    for (; at < end && !heap.full(); at++) {
      const score = scores[at]!;
      if (marks[at - start] !== stamp && !Number.isNaN(score)) heap.push(score, at - start);
    }
    let threshold = heap.threshold();
    for (
      at = nextAbove(scores, at, end, threshold);
      at < end;
      at = nextAbove(scores, at + 1, end, threshold)
    ) {
      if (marks[at - start] !== stamp) threshold = heap.replaceWorst(scores[at]!, at - start);
    }
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

/** Where the next score above the threshold is, or `end`. */
function nextAbove(scores: Float32Array, from: number, end: number, threshold: number): number {
  let at = from;
  while (at < end - 3) {
    if (scores[at]! > threshold || scores[at + 1]! > threshold) break;
    if (scores[at + 2]! > threshold || scores[at + 3]! > threshold) break;
    at += 4;
  }
  while (at < end && !(scores[at]! > threshold)) at++;
  return at;
}

/** The best `k` of the items pushed so far: a binary heap with the worst on top (lower score, then higher index). */
interface TopList {
  /** Empties the list and sets how many places it has. */
  clear(places: number): void;
  full(): boolean;
  push(score: number, item: number): void;
  /** Drops the worst for a better one; returns the new worst score. */
  replaceWorst(score: number, item: number): number;
  /** The worst score of a full list, +Infinity for a list of no places, so that nothing beats it. */
  threshold(): number;
  sorted(): Int32Array;
}

function createTopList(k: number): TopList {
  const scores = new Float32Array(k);
  const items = new Int32Array(k);
  let places = k;
  let size = 0;
  const worse = (score: number, item: number, at: number) =>
    score < scores[at]! || (score === scores[at]! && item > items[at]!);

  function siftUp(score: number, item: number, from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!worse(score, item, parent)) break;
      scores[at] = scores[parent]!;
      items[at] = items[parent]!;
      at = parent;
    }
    scores[at] = score;
    items[at] = item;
  }

  function siftDown(score: number, item: number): void {
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && worse(scores[child + 1]!, items[child + 1]!, child)) child++;
      if (worse(score, item, child)) break;
      scores[at] = scores[child]!;
      items[at] = items[child]!;
      at = child;
    }
    scores[at] = score;
    items[at] = item;
  }

  return {
    clear: (limit) => {
      places = limit;
      size = 0;
    },
    full: () => size === places,
    push: (score, item) => siftUp(score, item, size++),
    replaceWorst(score, item) {
      siftDown(score, item);
      return scores[0]!;
    },
    threshold: () => (size < places || places === 0 ? Number.POSITIVE_INFINITY : scores[0]!),
    sorted: () => sortBest(scores, items, size),
  };
}

function sortBest(scores: Float32Array, items: Int32Array, size: number): Int32Array {
  const order = Array.from({ length: size }, (_, at) => at);
  order.sort((a, b) => scores[b]! - scores[a]! || items[a]! - items[b]!);
  return Int32Array.from(order, (at) => items[at]!);
}
