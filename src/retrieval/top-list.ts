/** @file The best rows of scores, collected stretch by stretch. */

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
export interface TopList {
  /** Empties the list and sets how many places it has. */
  clear(places: number): void;
  full(): boolean;
  push(score: number, item: number): void;
  /** Whether a row belongs into a full list. */
  beatsWorst(score: number, item: number): boolean;
  /** Drops the worst for a better one; returns the new worst score. */
  replaceWorst(score: number, item: number): number;
  /** The worst score of a full list, +Infinity for a list of no places, so that nothing beats it. */
  threshold(): number;
  sorted(): Int32Array;
  /** What `sorted` gives, beside the scores. */
  hits(): Hits;
}

/** A list of rows, best first, and their scores. */
export interface Hits {
  readonly rows: Int32Array;
  readonly scores: Float32Array;
}

/** A stretch of scores: `scores[start .. end)` are those of rows `first`, `first + 1` …. */
export interface Stretch {
  readonly scores: Float32Array;
  readonly start: number;
  readonly end: number;
  readonly first: number;
}

/** Puts the best accepted rows of a stretch into a list; ties go to the lower row where stretches come in order. */
export function scan(
  top: TopList,
  { scores, start, end, first }: Stretch,
  accepts: (row: number) => boolean,
): void {
  const shift = first - start;
  let at = start;
  for (; at < end && !top.full(); at++) {
    const score = scores[at]!;
    if (!Number.isNaN(score) && accepts(at + shift)) top.push(score, at + shift);
  }
  let threshold = top.threshold();
  for (at = nextAbove(scores, at, end, threshold); at < end; at = nextAbove(scores, at + 1, end, threshold)) {
    if (accepts(at + shift)) threshold = top.replaceWorst(scores[at]!, at + shift);
  }
}

export function createTopList(k: number): TopList {
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
    beatsWorst: (score, item) =>
      places > 0 && (score > scores[0]! || (score === scores[0] && item < items[0]!)),
    replaceWorst(score, item) {
      siftDown(score, item);
      return scores[0]!;
    },
    threshold: () => (size < places || places === 0 ? Number.POSITIVE_INFINITY : scores[0]!),
    sorted: () => sortBest(scores, items, size),
    hits() {
      const order = bestOrder(scores, items, size);
      return {
        rows: Int32Array.from(order, (at) => items[at]!),
        scores: Float32Array.from(order, (at) => scores[at]!),
      };
    },
  };
}

const sortBest = (scores: Float32Array, items: Int32Array, size: number): Int32Array =>
  Int32Array.from(bestOrder(scores, items, size), (at) => items[at]!);

function bestOrder(scores: Float32Array, items: Int32Array, size: number): number[] {
  const order = Array.from({ length: size }, (_, at) => at);
  // Equal infinities differ by NaN, which counts as no difference.
  return order.sort((a, b) => scores[b]! - scores[a]! || items[a]! - items[b]!);
}
