/** @file The popularity baseline of an evaluation, without a score for every user and item. */

import type { Cases } from "../data/sequences.ts";
import { coverage, rankMetrics } from "../metrics/ranks.ts";
import type { CaseResult, SeenRule } from "./cases.ts";

export interface PopularityOptions {
  /** Training interactions of every item. */
  readonly counts: Int32Array;
  readonly cases: Cases;
  readonly seen?: SeenRule;
  readonly topK?: number;
}

/**
 * What `evaluateCases` answers for `popularityScorer`, in a hundredth of the time: all users share one order of the
 * items, so a rank is the target's place in it less the excluded items before it. A test holds the two equal.
 */
export function evaluatePopularity({
  counts,
  cases,
  seen = "exclude",
  topK = 10,
}: PopularityOptions): CaseResult {
  const order = Int32Array.from(counts.keys()).sort((a, b) => counts[b]! - counts[a]! || a - b);
  const notLower = notLowerThan(order, counts);
  const marks = new Int32Array(counts.length).fill(-1);
  const shown = new Uint8Array(counts.length);
  const ranks = new Int32Array(cases.target.length);
  for (const [c, target] of cases.target.entries()) {
    let rank = notLower[target]!;
    const end = seen === "exclude" ? cases.offsets[c + 1]! : cases.offsets[c]!;
    for (let at = cases.offsets[c]!; at < end; at++) {
      const item = cases.history[at]!;
      if (item === target || marks[item] === c) continue;
      marks[item] = c;
      if (counts[item]! >= counts[target]!) rank--;
    }
    ranks[c] = rank;
    for (let at = 0, listed = 0; at < order.length && listed < topK; at++) {
      if (marks[order[at]!] === c) continue;
      shown[order[at]!] = 1;
      listed++;
    }
  }
  const metrics = { ...rankMetrics(ranks), [`coverage@${topK}`]: coverage(shown) };
  return { ranks, metrics, users: ranks.length };
}

/** For every item how many items, itself included, have at least its count. */
function notLowerThan(order: Int32Array, counts: Int32Array): Int32Array {
  const result = new Int32Array(counts.length);
  let from = 0;
  while (from < order.length) {
    let to = from + 1;
    while (to < order.length && counts[order[to]!] === counts[order[from]!]) to++;
    for (let at = from; at < to; at++) result[order[at]!] = to;
    from = to;
  }
  return result;
}
