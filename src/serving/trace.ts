/** @file Why this and why not that, in ids. */

import type { Removal } from "../retrieval/attributes.ts";
import type { Trace, Verdict } from "../retrieval/explain.ts";
import type { CandidateSource, Found } from "../retrieval/retriever.ts";
import type { ScoreParts } from "../retrieval/source.ts";

/** Why an item is in the list. */
export interface ItemTrace {
  readonly id: string;
  readonly source: CandidateSource;
  /** Its rank by score alone, from 1. */
  readonly rank: number;
  /** Where diversity was asked for: the score between the worst (0) and best (1) candidate, and the largest cosine to an item above. */
  readonly relevance?: number;
  readonly similarity?: number;
  /** What the score is the sum of, where the model's is not all of it. */
  readonly parts?: ScoreParts;
  /** The nearest items of the history: cosine of the item vectors, and by how much the score falls without it. */
  readonly history: readonly {
    readonly id: string;
    readonly cosine: number | null;
    readonly change: number | null;
  }[];
}

/** What became of an item that was asked about. */
export interface ItemOutcome {
  readonly id: string;
  readonly outcome: Verdict["outcome"] | "seen" | "unknown";
  readonly rank?: number;
  readonly score?: number;
  readonly parts?: ScoreParts;
  /** The condition that the item fails, and what it has. */
  readonly filter?: Removal;
}

export interface RecommendationTrace {
  readonly items: readonly ItemTrace[];
  readonly asked: readonly ItemOutcome[];
}

export interface TraceNames {
  readonly idOf: (row: number) => string;
  /** Rows that were left out because they are in the history. */
  readonly seen: ReadonlySet<number>;
  /** Ids that were asked about and are not in the catalogue. */
  readonly unknown: readonly string[];
}

/** A trace in ids. */
export function namedTrace(
  trace: Trace,
  found: Found,
  { idOf, seen, unknown }: TraceNames,
): RecommendationTrace {
  return {
    items: trace.rows.map(({ row, history, ...rest }, place) => ({
      id: idOf(row),
      source: found.sources[place]!,
      ...rest,
      history: history
        .map((reason) => ({ ...reason, id: idOf(reason.row) }))
        .map(({ row: _, ...reason }) => reason),
    })),
    asked: [
      ...trace.asked.map(({ row, outcome, ...rest }) => ({
        id: idOf(row),
        outcome: outcome === "excluded" && seen.has(row) ? ("seen" as const) : outcome,
        ...rest,
      })),
      ...unknown.map((id) => ({ id, outcome: "unknown" as const })),
    ],
  };
}
