/** @file States of histories compared with the item vectors of a table: a source of candidates, wherever states are computed. */
import type { Program } from "../runtime/runtime.ts";
import { eachBit } from "./bits.ts";
import type { IndexReport } from "./build-index.ts";
import { historyFeeds, type RowLayout } from "./history-rows.ts";
import type { Prior } from "./prior.ts";
import { type Histories, historyAt } from "./scorer.ts";
import type { Source } from "./source.ts";
import { createTopList, type Hits, scan } from "./top-list.ts";
import { acceptance, offer, type Question, type VectorIndex } from "./vector-index.ts";
import { isLive, type VectorTable } from "./vector-table.ts";
import { putVector, type VectorTables } from "./vector-tables.ts";

export interface StateSourceParts {
  /** Number of items. */
  readonly items: number;
  /** How many of the most recent items of a history the model uses. */
  readonly maxLength: number;
  readonly layout: RowLayout;
  /** What `stateStep` describes; freed with the source, as the index is. */
  readonly program: Program;
  readonly tables: VectorTables;
  readonly index: VectorIndex;
  readonly report: IndexReport;
  /** Added to the scores of all rows, which are then looked through without the index; null where there is none. */
  readonly prior: Prior | null;
}

/** Histories of one call at most. */
const BATCH = 64;

/** Makes states [Q, D] of histories. */
export type EncodeHistories = (histories: Histories) => Promise<Float32Array>;

/** How a program makes states, given the vectors of the items that the histories hold. */
export function historyEncoder({
  program,
  layout,
  tables: { input, output },
}: Pick<StateSourceParts, "program" | "layout" | "tables">): EncodeHistories {
  const { dim } = output;
  return async (histories) => {
    const rows = [...new Set(histories.items)];
    const placeOf = new Map(rows.map((row, place) => [row, place]));
    const used = new Float32Array(rows.length * dim);
    rows.forEach((row, place) => {
      input.original(row, used, place * dim);
    });
    const local = { ...histories, items: histories.items.map((row) => placeOf.get(row)!) };
    const given = { data: used, shape: [rows.length, dim] };
    const outputs = await program.run({ ...historyFeeds(layout, local), vectors: given });
    return outputs.states!.data as Float32Array;
  };
}

/** A source over a program and an index that are ready. */
export function stateSource({
  items,
  maxLength,
  layout,
  program,
  tables,
  index,
  report,
  prior,
}: StateSourceParts): Source {
  const table = tables.output;
  const { dim, similarity } = table;

  const encode = historyEncoder({ program, layout, tables });

  /** The model's own score of a row for state `q`; NaN where the row has no vector. */
  const scoreOf = (encoded: Float32Array, q: number, row: number): number =>
    isLive(table, row) ? table.dot(encoded, q * dim, row) : Number.NaN;

  /** The scores of all rows for history `q`, the prior's among them. */
  function allScores(given: Prior, histories: Histories, encoded: Float32Array, q: number): Float32Array {
    const scores = new Float32Array(table.size);
    for (let row = 0; row < scores.length; row++) scores[row] = scoreOf(encoded, q, row);
    given.add(historyAt(histories, q), scores);
    return scores;
  }

  return {
    items,
    maxLength,
    batch: BATCH,
    report,
    dim,
    usable: (row) => isLive(table, row),
    async search(histories, questions) {
      const encoded = await encode(histories);
      if (!prior) return index.search(encoded, questions);
      return questions.map((question, q) => {
        const scores = allScores(prior, histories, encoded, q);
        const top = createTopList(Math.min(question.k, scores.length));
        scan(top, { scores, start: 0, end: scores.length, first: 0 }, acceptance(table, question));
        return top.hits();
      });
    },
    async scores(histories, rows) {
      const encoded = await encode(histories);
      return Array.from({ length: histories.offsets.length - 1 }, (_, q) => {
        const all = prior && allScores(prior, histories, encoded, q);
        return Float32Array.from(rows, (row) => (all ? (all[row] ?? Number.NaN) : scoreOf(encoded, q, row)));
      });
    },
    async parts(history, rows) {
      if (!prior) return null;
      const encoded = await encode(history);
      const added = termScores(prior, historyAt(history, 0), table.size);
      return rows.map((row) => ({
        model: scoreOf(encoded, 0, row),
        ...Object.fromEntries(added.map(([name, scores]) => [name, scores[row]!])),
      }));
    },
    cosine: (a, b) => (isLive(table, a) && isLive(table, b) ? cosineOf(table, a, b) : null),
    async similar(row, question) {
      if (!isLive(table, row)) return createTopList(0).hits();
      if (similarity === "dot") return mostAlike(table, row, question);
      return (await index.search(table.ready(row).slice(), [question]))[0]!;
    },
    put(row, vector, near) {
      const removed = !isLive(table, row);
      if (vector) {
        putVector(tables, row, vector);
        if (near) prior?.put(row, near);
      } else if (!removed || !table.restore(row)) return;
      index.put(row);
    },
    remove(row) {
      if (!isLive(table, row)) return;
      table.remove(row);
      index.remove(row);
    },
    async dispose() {
      await program.dispose();
      await index.dispose();
    },
  };
}

/** What each term of a prior adds to the scores of all rows, by its name. */
const termScores = ({ terms }: Prior, history: Int32Array, size: number): [string, Float32Array][] =>
  Object.entries(terms).map(([name, term]) => {
    const scores = new Float32Array(size);
    term.add(history, scores);
    return [name, scores];
  });

function cosineOf(table: VectorTable, a: number, b: number): number {
  const [x, y] = [table.ready(a), table.ready(b)];
  let [product, left, right] = [0, 0, 0];
  for (let c = 0; c < x.length; c++) {
    product += x[c]! * y[c]!;
    left += x[c]! * x[c]!;
    right += y[c]! * y[c]!;
  }
  return product / Math.max(1e-12, Math.sqrt(left * right));
}

/** The largest cosines, row by row: inner products of rows of different lengths do not order by them. */
function mostAlike(table: VectorTable, row: number, question: Question): Hits {
  const top = createTopList(Math.min(question.k, table.size));
  const accepts = acceptance(table, question);
  eachBit(table.live, table.live, (other) => {
    if (accepts(other)) offer(top, cosineOf(table, row, other), other);
  });
  return top.hits();
}
