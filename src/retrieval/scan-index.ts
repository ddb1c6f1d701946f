/** @file Exact search without a program, for where there is none to spare: every row is scored by plain arithmetic. */
import { createTopList, scan } from "./top-list.ts";
import { acceptance, answerFew, type Question, type VectorIndex } from "./vector-index.ts";
import { BLOCK_ROWS, type VectorTable } from "./vector-table.ts";

/** An index that keeps nothing beside the table but the scores of one block. */
export function scanIndex(table: VectorTable): VectorIndex {
  let scores = new Float32Array(0);

  function searchAll(queries: Float32Array, q: number, question: Question) {
    const top = createTopList(Math.min(question.k, table.size));
    const accepts = acceptance(table, question);
    const state = queries.subarray(q * table.dim, (q + 1) * table.dim);
    for (const [b, { data, rows }] of table.blocks.entries()) {
      if (scores.length < rows) scores = new Float32Array(rows);
      scoreRows(state, data, scores.subarray(0, rows));
      scan(top, { scores, start: 0, end: rows, first: b * BLOCK_ROWS }, accepts);
    }
    return top.hits();
  }

  return {
    kind: "exact",
    get bytes() {
      return scores.byteLength;
    },
    search: async (queries, questions) =>
      questions.map(
        (question, q) => answerFew(table, queries, q, question) ?? searchAll(queries, q, question),
      ),
    put: () => {},
    remove: () => {},
    dispose: async () => {},
  };
}

/** Inner products of a state [D] with rows [B, D], summed in float64. */
function scoreRows(state: Float32Array, rows: Float32Array, scores: Float32Array): void {
  const dim = state.length;
  for (let row = 0, at = 0; row < scores.length; row++) {
    let sum = 0;
    for (let c = 0; c < dim; c++, at++) sum += state[c]! * rows[at]!;
    scores[row] = sum;
  }
}
