/** @file What an encoding says while it goes on and when it is done. */

import type { NamedHealth } from "./table-health.ts";

/** How far an encoding is. */
export interface EncodeProgress {
  readonly table: string;
  /** What is done now, such as "encoding". */
  readonly step: string;
  readonly done: number;
  readonly total: number;
  readonly secondsLeft: number;
}

export type OnProgress = (progress: EncodeProgress) => void;

/** An item whose content could not be encoded, and why. */
export interface ItemProblem {
  readonly item: string;
  readonly what: string;
}

/** What was done for one table. */
export interface TableReport {
  readonly table: string;
  readonly dim: number;
  readonly items: number;
  /** Items encoded now, taken over from before, and without content. */
  readonly encoded: number;
  readonly reused: number;
  readonly missing: number;
  /** Ids of items without content: the first hundred. */
  readonly missingItems: readonly string[];
  /** Items with content that could not be encoded; they stand as without. */
  readonly problems: readonly ItemProblem[];
  /** Of a language model: how many of the texts read now were longer than so many tokens, and were cut to them. */
  readonly cut?: { readonly texts: number; readonly tokens: number };
  readonly source: Readonly<Record<string, unknown>>;
  readonly seconds: number;
  /** Of a table that was made now. */
  readonly health?: NamedHealth;
}

/** Ids that a report gives at most. */
const MOST_IDS = 100;

/** What a report says of the items without content: those for whose rows `isMissing` is true. */
export function missingOf(
  ids: readonly string[],
  isMissing: (row: number) => boolean,
): Pick<TableReport, "missing" | "missingItems"> {
  const missing = ids.filter((_, row) => isMissing(row));
  return { missing: missing.length, missingItems: missing.slice(0, MOST_IDS) };
}

/** Reports progress with the time left, from the share that is done. */
export function progressOf(
  table: string,
  onProgress: OnProgress | undefined,
): (step: string, done: number, total: number) => void {
  const start = performance.now();
  return (step, done, total) => {
    const seconds = (performance.now() - start) / 1000;
    const secondsLeft = done > 0 ? (seconds * (total - done)) / done : Number.POSITIVE_INFINITY;
    onProgress?.({ table, step, done, total, secondsLeft });
  };
}
