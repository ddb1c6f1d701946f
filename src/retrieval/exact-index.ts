/** @file Exact search: every row is scored in float32, block by block. */
import { Graph } from "../graph/graph.ts";
import { matmul } from "../graph/ops/index.ts";
import { writeOnnx } from "../onnx/write.ts";
import { openFilling } from "../runtime/filling.ts";
import { f32 } from "../tensor/spec.ts";
import { createTopList, type Hits, scan } from "./top-list.ts";
import { acceptance, answerFew, type Question, type VectorIndex } from "./vector-index.ts";
import { BLOCK_ROWS, type VectorTable } from "./vector-table.ts";

/** Queries of one product. */
const MOST_QUERIES = 16;

/** Scores [Q, B] of states [Q, D] and a block [B, D]. */
function productBytes(dim: number): Uint8Array {
  const graph = new Graph();
  graph.output(
    "scores",
    matmul(graph.input("states", f32("Q", dim)), graph.input("rows", f32("B", dim)), { transB: true }),
  );
  return writeOnnx(graph);
}

/** An index that keeps nothing beside the table. */
export async function exactIndex(
  table: VectorTable,
  { threads = 1 }: { readonly threads?: number } = {},
): Promise<VectorIndex> {
  const { dim } = table;
  const session = await openFilling(productBytes(dim), threads);
  let scores = new Float32Array(0);

  async function searchMany(states: Float32Array, questions: readonly Question[]): Promise<Hits[]> {
    const count = questions.length;
    const tops = questions.map(({ k }) => createTopList(Math.min(k, table.size)));
    const accepts = questions.map((question) => acceptance(table, question));
    for (const [b, { data, rows }] of table.blocks.entries()) {
      if (scores.length < count * rows) scores = new Float32Array(count * rows);
      const filled = scores.subarray(0, count * rows);
      await session.run(
        {
          states: { type: "float32", data: states, shape: [count, dim] },
          rows: { type: "float32", data: data.subarray(0, rows * dim), shape: [rows, dim] },
        },
        { scores: { type: "float32", data: filled, shape: [count, rows] } },
      );
      const first = b * BLOCK_ROWS;
      tops.forEach((top, q) => {
        scan(top, { scores: filled, start: q * rows, end: (q + 1) * rows, first }, accepts[q]!);
      });
    }
    return tops.map((top) => top.hits());
  }

  return {
    kind: "exact",
    get bytes() {
      return scores.byteLength;
    },
    search: (queries, questions) => searchAll(table, queries, questions, { most: MOST_QUERIES, searchMany }),
    put: () => {},
    remove: () => {},
    dispose: () => session.release(),
  };
}

/** Answers directly what allows few rows, and the others by `searchMany`, so many at a time. */
export async function searchAll(
  table: VectorTable,
  queries: Float32Array,
  questions: readonly Question[],
  {
    most,
    searchMany,
  }: {
    readonly most: number;
    readonly searchMany: (states: Float32Array, questions: readonly Question[]) => Promise<readonly Hits[]>;
  },
): Promise<Hits[]> {
  const { dim } = table;
  const hits = questions.map((question, q) => answerFew(table, queries, q, question));
  const open = [...hits.keys()].filter((q) => hits[q] === null);
  for (let from = 0; from < open.length; from += most) {
    const chosen = open.slice(from, from + most);
    const states = new Float32Array(chosen.length * dim);
    chosen.forEach((q, place) => {
      states.set(queries.subarray(q * dim, (q + 1) * dim), place * dim);
    });
    const found = await searchMany(
      states,
      chosen.map((q) => questions[q]!),
    );
    chosen.forEach((q, place) => {
      hits[q] = found[place]!;
    });
  }
  return hits as Hits[];
}
