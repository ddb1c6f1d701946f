/** @file Histories in rows: how a model that was compiled reads them. */
import { hiddenItem } from "../data/masks.ts";
import { relativeSeconds } from "../data/times.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { Histories } from "./scorer.ts";

/** How a model reads histories; plain data, which may stand in a file beside it. */
export interface RowLayout {
  /** Tokens of a row. */
  readonly width: number;
  /** Rows that hold several histories end to end, or one history each, padded before its first item. */
  readonly rows: "packed" | "padded";
  readonly end: HistoryEnd;
  /** Times that it reads: none; those of the items; or also when the item after each was met. */
  readonly times: "none" | "past" | "next";
}

/** Histories in rows of `width` tokens, and the flat place of each history's last token. */
export interface HistoryRows {
  readonly rows: number;
  readonly item: Int32Array;
  readonly position: Int32Array;
  readonly segment: Int32Array;
  readonly last: Int32Array;
  /** When each token was met and when the next one was, or the question is asked. */
  readonly met: Int32Array;
  readonly next: Int32Array;
}

/** What the last token of a history is: its last item, or a hidden one that follows. */
export type HistoryEnd = "item" | "hidden";

/** Lays histories end to end, first row that has room. */
export function packForScoring(given: Histories, width: number, end: HistoryEnd = "item"): HistoryRows {
  const { offsets } = given;
  const more = Number(end === "hidden");
  const histories = offsets.length - 1;
  const row = new Int32Array(histories);
  const start = new Int32Array(histories);
  const filled: number[] = [];
  let open = 0; // rows before this one are full but for crumbs
  for (let q = 0; q < histories; q++) {
    const length = offsets[q + 1]! - offsets[q]! + more;
    let r = open;
    while (r < filled.length && filled[r]! + length > width) r++;
    row[q] = r;
    start[q] = filled[r] ?? 0;
    filled[r] = start[q]! + length;
    while (open < filled.length && filled[open]! >= width - 1) open++;
  }
  const size = { rows: Math.max(1, filled.length), width, end };
  return laid(given, size, (q) => row[q]! * width + start[q]!);
}

/** Lays each history at the end of a row of its own. */
export const padForScoring = (histories: Histories, width: number): HistoryRows =>
  laid(
    histories,
    { rows: histories.offsets.length - 1, width, end: "item" },
    (q, length) => (q + 1) * width - length,
  );

function laid(
  { offsets, items, times }: Histories,
  { rows, width, end }: { readonly rows: number; readonly width: number; readonly end: HistoryEnd },
  placeOf: (history: number, length: number) => number,
): HistoryRows {
  const histories = offsets.length - 1;
  const ints = (): Int32Array => new Int32Array(rows * width);
  const tokens = { item: ints(), position: ints(), segment: ints(), met: ints(), next: ints() };
  const packed = { rows, ...tokens, last: new Int32Array(histories) };
  for (let q = 0; q < histories; q++) {
    const given = offsets[q + 1]! - offsets[q]!;
    const length = given + Number(end === "hidden");
    const at = placeOf(q, length);
    for (let k = 0; k < length; k++) {
      packed.item[at + k] = k < given ? items[offsets[q]! + k]! : hiddenItem;
      packed.position[at + k] = length - 1 - k;
      packed.segment[at + k] = q + 1;
    }
    if (times) writeAsked(times, { q, from: offsets[q]!, length, at }, packed);
    packed.last[q] = at + length - 1;
  }
  return packed;
}

/** The times of history `q`: of each item and of the one after it, the last of which is the question. */
function writeAsked(
  { met, asked }: NonNullable<Histories["times"]>,
  { q, from, length, at }: { readonly [name in "q" | "from" | "length" | "at"]: number },
  rows: Pick<HistoryRows, "met" | "next">,
): void {
  const end = asked[q]!;
  for (let k = 0; k < length; k++) {
    rows.met[at + k] = relativeSeconds(met[from + k]!, end);
    rows.next[at + k] = k + 1 < length ? relativeSeconds(met[from + k + 1]!, end) : 0;
  }
}

/** The inputs of `scoreStep` and its like for histories, laid in rows as the model asks for. */
export function historyFeeds(
  { width, rows: kind, end, times }: RowLayout,
  histories: Histories,
): Record<string, Tensor> {
  const padded = kind === "padded";
  const laid = padded ? padForScoring(histories, width) : packForScoring(histories, width, end);
  const { rows, item, position, segment, last, met, next } = laid;
  const grid = (data: Int32Array): Tensor => ({ data, shape: [rows, width] });
  return {
    item: grid(item),
    segment: grid(segment),
    ...(!padded && { position: grid(position) }),
    ...(times !== "none" && { met: grid(met) }),
    ...(times === "next" && { next: grid(next) }),
    last: { data: last, shape: [last.length] },
  };
}
