/** @file Ranks the target of every case against the whole catalogue. */

import { setImmediate as yieldToEvents } from "node:timers/promises";
import type { Cases } from "../data/sequences.ts";
import { coverage, rankMetrics } from "../metrics/ranks.ts";
import { recentHistories } from "../retrieval/histories.ts";
import { createRanker, type Ranker } from "../retrieval/rank.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import { breather } from "../runtime/breather.ts";
import { RuntimeFailure } from "../tensor/errors.ts";

/** Whether items of a user's own history are candidates. */
export type SeenRule = "exclude" | "include";

export interface CaseOptions {
  readonly scorer: Scorer;
  readonly cases: Cases;
  /** "exclude" by default; the target is a candidate in any case. */
  readonly seen?: SeenRule;
  /** The length of the lists that coverage is measured on; 10 by default. */
  readonly topK?: number;
  readonly onProgress?: (progress: { readonly done: number; readonly users: number }) => void;
}

export interface CaseResult {
  /** The pessimistic rank of each case's target, in the order of the cases. */
  readonly ranks: Int32Array;
  /** By name: those of `rankMetrics`, and "coverage@K" for K = `topK`. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly users: number;
}

/**
 * Full-ranking evaluation. The next chunk is asked for before one is ranked, so that a scorer in a worker computes
 * meanwhile; every few milliseconds the event loop gets its turn. RuntimeFailure where the scorer answers another size.
 */
export async function evaluateCases(options: CaseOptions): Promise<CaseResult> {
  const { scorer, cases, topK = 10 } = options;
  const users = cases.target.length;
  const state: State = {
    ranker: createRanker(scorer.items, topK),
    ranks: new Int32Array(users),
    shown: new Uint8Array(scorer.items),
  };
  let pending = ask(scorer, cases, 0);
  for (let from = 0; from < users; from += scorer.batch) {
    const scores = await pending;
    const to = Math.min(from + scorer.batch, users);
    if (to < users) pending = ask(scorer, cases, to);
    pending.catch(() => {}); // it is awaited in the next turn, unless ranking this one throws first
    await yieldToEvents(); // the question leaves for the worker only when this function lets go
    if (scores.length !== (to - from) * scorer.items) throw wrongSize(scores.length, to - from, scorer.items);
    await rankChunk(state, scores, { from, to }, options);
    options.onProgress?.({ done: to, users });
  }
  const metrics = { ...rankMetrics(state.ranks), [`coverage@${topK}`]: coverage(state.shown) };
  return { ranks: state.ranks, metrics, users };
}

interface State {
  readonly ranker: Ranker;
  readonly ranks: Int32Array;
  readonly shown: Uint8Array;
}

function ask(scorer: Scorer, cases: Cases, from: number): Promise<Float32Array> {
  const to = Math.min(from + scorer.batch, cases.target.length);
  if (to === from) return Promise.resolve(new Float32Array(0));
  const { offsets, history: items } = cases;
  const times = cases.times && { met: cases.times.history, asked: cases.times.target };
  const rows = { offsets, items, times };
  return scorer.score(recentHistories(rows, from, to, scorer.maxLength));
}

async function rankChunk(
  state: State,
  scores: Float32Array,
  chunk: { readonly from: number; readonly to: number },
  { scorer, cases, seen = "exclude" }: CaseOptions,
): Promise<void> {
  const breathe = breather();
  for (let c = chunk.from; c < chunk.to; c++) {
    const from = cases.offsets[c]!;
    const to = seen === "exclude" ? cases.offsets[c + 1]! : from;
    const row = { scores, start: (c - chunk.from) * scorer.items, excluded: cases.history, from, to };
    state.ranks[c] = state.ranker.rank(row, cases.target[c]!);
    for (const item of state.ranker.top()) state.shown[item] = 1;
    await breathe();
  }
}

function wrongSize(length: number, rows: number, items: number): RuntimeFailure {
  const message = `evaluate: the scorer answered ${length} scores where [${rows}, ${items}] were asked for`;
  return new RuntimeFailure("score-size", message, { length, rows, items });
}
