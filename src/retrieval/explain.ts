/** @file Why a list is what it is: what each found row owes to the history, and what became of rows that are asked about. */
import type { Attributes, Removal } from "./attributes.ts";
import { type Bits, hasBit } from "./bits.ts";
import type { Chosen } from "./diversity.ts";
import type { Filter } from "./filter.ts";
import { type History, packHistories, someItems } from "./histories.ts";
import type { Found } from "./retriever.ts";
import type { ScoreParts, Source } from "./source.ts";
import type { Question } from "./vector-index.ts";

/** A row of the history beside a found one. */
export interface Reason {
  readonly row: number;
  /** Of the two item vectors; null where the model has none. */
  readonly cosine: number | null;
  /** How much lower the score would be without it in the history; null where it is the whole history. */
  readonly change: number | null;
}

/** What a found row's place comes from. */
export interface RowTrace {
  readonly row: number;
  /** Its rank by score alone, from 1. */
  readonly rank: number;
  /** Present where a diverse list was asked for; see `Chosen`. */
  readonly relevance?: number;
  readonly similarity?: number;
  /** What the score is the sum of, where the model's is not all of it; none for rows of a fallback. */
  readonly parts?: ScoreParts;
  /** The nearest rows of the history, at most three; none for rows of a fallback. */
  readonly history: readonly Reason[];
}

/** What became of a row. */
export interface Verdict {
  readonly row: number;
  readonly outcome:
    | "found"
    | "ranked-lower"
    | "excluded"
    | "filtered"
    | "removed"
    | "not-in-model"
    | "not-diverse";
  /** Its rank among the rows that may be found, where it is one of the first thousand. */
  readonly rank?: number;
  /** The model's score, where it has one. */
  readonly score?: number;
  /** What that is the sum of, where the model's is not all of it. */
  readonly parts?: ScoreParts;
  /** The condition that the row fails. */
  readonly filter?: Removal;
}

export interface Trace {
  readonly rows: readonly RowTrace[];
  readonly asked: readonly Verdict[];
}

export interface ExplainContext {
  readonly source: Source;
  readonly attributes: Attributes;
  readonly present: Bits;
  /** The history as the model sees it. */
  readonly known: History;
  readonly asked: Question;
  readonly filter: Filter;
}

const [MOST_REASONS, DEEPEST_RANK] = [3, 1000];

/** Explains a list, and what became of other rows. */
export async function explain(
  context: ExplainContext,
  found: Found,
  chosen: readonly Chosen[] | undefined,
  others: readonly number[],
): Promise<Trace> {
  const listed = [...found.rows].filter((_, place) => found.sources[place] === "sequence");
  const reasons = await reasonsFor(context, listed);
  const partsOf = await partsFor(context, [...listed, ...others]);
  const rows = Array.from(found.rows, (row, place): RowTrace => {
    const how = chosen?.[place];
    return {
      row,
      rank: (how?.place ?? place) + 1,
      ...(how && { relevance: how.relevance, similarity: how.similarity }),
      ...(found.sources[place] === "sequence" ? partsOf(row) : {}),
      history: reasons.get(row) ?? [],
    };
  });
  return { rows, asked: await verdicts(context, found, others, { partsOf, diverse: chosen !== undefined }) };
}

/** What the score of a row is the sum of; nothing where there is none, or where it is of one part. */
type PartsOf = (row: number) => { readonly parts?: ScoreParts };

async function partsFor({ source, known }: ExplainContext, rows: readonly number[]): Promise<PartsOf> {
  if (known.rows.length === 0 || rows.length === 0) return () => ({});
  const all = await source.parts(packHistories([known], source.maxLength), rows);
  const byRow = new Map(all?.map((parts, r) => [rows[r], parts]));
  return (row) => {
    const parts = byRow.get(row);
    return parts && Number.isFinite(parts.model) ? { parts } : {};
  };
}

/** What each row owes to the history: the change of its score where one item of it is left out, and cosines. */
async function reasonsFor(
  { source, known }: ExplainContext,
  rows: readonly number[],
): Promise<Map<number, Reason[]>> {
  const start = Math.max(0, known.rows.length - source.maxLength);
  const history = someItems(known, (_, at) => at >= start);
  const { length } = history.rows;
  if (length === 0 || rows.length === 0) return new Map();
  const without =
    length === 1
      ? []
      : Array.from(history.rows, (_, left) => someItems(history, (_row, other) => other !== left));
  const [whole, ...partial] = await scoresOf(source, [history, ...without], rows);
  return new Map(
    rows.map((row, r) => {
      const all = Array.from(history.rows, (past, h): Reason => {
        const change = partial[h] ? whole![r]! - partial[h][r]! : null;
        return { row: past, cosine: source.cosine(row, past), change };
      });
      return [row, nearestReasons(all)];
    }),
  );
}

function nearestReasons(all: readonly Reason[]): Reason[] {
  const byRow = new Map(all.map((reason) => [reason.row, reason])); // of repeats the last one
  const weight = ({ cosine, change }: Reason): number => cosine ?? change ?? 0;
  return [...byRow.values()].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_REASONS);
}

async function scoresOf(
  source: Source,
  histories: readonly History[],
  rows: readonly number[],
): Promise<Float32Array[]> {
  const scores: Float32Array[] = [];
  for (let from = 0; from < histories.length; from += source.batch) {
    const some = packHistories(histories.slice(from, from + source.batch), source.maxLength);
    scores.push(...(await source.scores(some, rows)));
  }
  return scores;
}

async function verdicts(
  context: ExplainContext,
  found: Found,
  rows: readonly number[],
  { partsOf, diverse }: { readonly partsOf: PartsOf; readonly diverse: boolean },
): Promise<Verdict[]> {
  const { source, known, asked } = context;
  if (rows.length === 0) return [];
  const usable = known.rows.length > 0;
  const histories = packHistories([known], source.maxLength);
  const scores = usable ? (await source.scores(histories, rows))[0]! : [];
  const [deep] = usable ? await source.search(histories, [{ ...asked, k: DEEPEST_RANK }]) : [];
  return rows.map((row, r): Verdict => {
    const score = Number.isFinite(scores[r]) ? { score: scores[r]!, ...partsOf(row) } : {};
    const rank = deep ? deep.rows.indexOf(row) + 1 : 0;
    const ranked = { row, ...score, ...(rank > 0 ? { rank } : {}) };
    const { attributes, present, filter } = context;
    if (!hasBit(present, row)) return { row, outcome: "removed" };
    if (asked.excluded.has(row)) return { row, ...score, outcome: "excluded" };
    const removal = attributes.removal(row, filter);
    if (removal) return { row, ...score, outcome: "filtered", filter: removal };
    if (found.rows.includes(row)) return { ...ranked, outcome: "found" };
    if (!source.usable(row)) return { row, outcome: "not-in-model" };
    return { ...ranked, outcome: diverse && rank > 0 && rank <= asked.k ? "not-diverse" : "ranked-lower" };
  });
}
