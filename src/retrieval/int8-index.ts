/** @file Search by int8 scores, the best of which are scored again in float32. */
import { type FillingSession, openFilling } from "../runtime/filling.ts";
import { countBits } from "./bits.ts";
import { searchAll } from "./exact-index.ts";
import { int8Program, type QuantizedRows, STATE_ZERO } from "./int8-program.ts";
import { createTopList, type Hits, type TopList } from "./top-list.ts";
import { acceptance, offer, type Question, rescored, type VectorIndex } from "./vector-index.ts";
import type { VectorTable } from "./vector-table.ts";

export interface Int8Options {
  readonly threads?: number;
  /** Candidates for each row that is asked for; 4 by default, and at least 32 more than asked for. */
  readonly candidates?: number;
}

/** Bytes of a block: more than the largest piece that the C library keeps for itself after it is freed. */
const BLOCK_BYTES = 34 * 2 ** 20;
/** Queries of one product. */
const MOST_QUERIES = 8;

interface QuantizedBlock {
  readonly session: FillingSession;
  readonly first: number;
  readonly rows: number;
}

/**
 * An index of one byte an element beside the float table. Rows that change after it is built are scored in float32,
 * until it is built anew.
 *
 * Source: rows with a scale of their own, as in Wu et al. 2020 (arXiv:2004.09602); the state in seven bits.
 */
export async function int8Index(table: VectorTable, options: Int8Options = {}): Promise<VectorIndex> {
  const { threads = 1, candidates = 4 } = options;
  const { dim, size: built } = table;
  const blocks: QuantizedBlock[] = [];
  const step = Math.max(1024, Math.ceil(BLOCK_BYTES / dim));
  for (let first = 0; first < built; first += step) {
    const rows = Math.min(step, built - first);
    const session = await openFilling(int8Program(quantizedRows(table, first, rows), dim), threads);
    blocks.push({ session, first, rows });
  }
  const changed = new Set<number>();
  let most = 0; // queries of one product so far

  /** The best `depth` rows of each block that a question may find; false where there may be better ones beyond. */
  async function collect(
    quantized: Uint8Array,
    depth: number,
    lists: readonly { readonly top: TopList; readonly accept: (row: number) => boolean }[],
  ): Promise<boolean> {
    const count = lists.length;
    const least = new Float32Array(count).fill(Number.NEGATIVE_INFINITY); // the best of what stands beyond
    for (const { session, first, rows } of blocks) {
      const taken = Math.min(depth, rows);
      const { scores, rows: places } = await session.run({
        states: { type: "uint8", data: quantized, shape: [count, dim] },
        count: { type: "int64", data: BigInt64Array.of(BigInt(taken)), shape: [1] },
      });
      const [found, at] = [scores!.data as Float32Array, places!.data as Int32Array];
      lists.forEach(({ top, accept }, q) => {
        for (let place = q * taken; place < (q + 1) * taken; place++) {
          const row = first + at[place]!;
          if (accept(row)) offer(top, found[place]!, row);
        }
        if (taken < rows) least[q] = Math.max(least[q]!, found[(q + 1) * taken - 1]!);
      });
    }
    return lists.every(
      ({ top }, q) => least[q] === Number.NEGATIVE_INFINITY || (top.full() && top.threshold() >= least[q]!),
    );
  }

  async function searchMany(states: Float32Array, questions: readonly Question[]): Promise<Hits[]> {
    const quantized = quantizedStates(states, dim);
    most = Math.max(most, questions.length);
    const accepts = questions.map((question) => acceptance(table, question));
    const wanted = questions.map(({ k }) => Math.min(Math.max(k * candidates, k + 32), table.size));
    const lists = accepts.map((accept, q) => ({
      top: createTopList(wanted[q]!),
      accept: (row: number) => accept(row) && !changed.has(row),
    }));
    let depth = Math.max(...questions.map((question, q) => depthFor(table, question, wanted[q]!)));
    while (!(await collect(quantized, depth, lists))) {
      for (const [q, { top }] of lists.entries()) top.clear(wanted[q]!);
      depth *= 8;
    }
    return lists.map(({ top }, q) => {
      const fresh = [...changed].filter(accepts[q]!);
      return rescored(table, states, q, [...top.sorted(), ...fresh], questions[q]!.k);
    });
  }

  return {
    kind: "int8",
    get bytes() {
      return built * (dim + 4) + 4 * most * Math.min(step, built);
    },
    search: (queries, questions) => searchAll(table, queries, questions, { most: MOST_QUERIES, searchMany }),
    put: (row) => void changed.add(row),
    remove: (row) => void changed.delete(row),
    async dispose() {
      for (const { session } of blocks) await session.release();
    },
  };
}

/** So many rows of a block that what a question may not find hardly leaves too few; a power of two. */
function depthFor(table: VectorTable, { excluded, allowed }: Question, wanted: number): number {
  const share = allowed === null ? 1 : Math.max(1e-3, countBits(allowed, table.live) / table.size);
  return 2 ** Math.ceil(Math.log2(wanted + 1 + Math.min(excluded.size, 512)) - Math.log2(share));
}

/** Rows in −127 … 127, each with its own scale. */
function quantizedRows(table: VectorTable, first: number, count: number): QuantizedRows {
  const { dim } = table;
  const [rows, scale] = [new Int8Array(dim * count), new Float32Array(count)];
  for (let i = 0; i < count; i++) {
    const row = table.ready(first + i);
    let most = 0;
    for (let c = 0; c < dim; c++) most = Math.max(most, Math.abs(row[c]!));
    scale[i] = most / 127;
    const steps = most > 0 ? 127 / most : 0;
    for (let c = 0; c < dim; c++) rows[c * count + i] = Math.round(row[c]! * steps);
  }
  return { rows, scale };
}

/** States [Q, D] in 1 … 127 around `STATE_ZERO`. */
function quantizedStates(states: Float32Array, dim: number): Uint8Array {
  const quantized = new Uint8Array(states.length);
  for (let from = 0; from < states.length; from += dim) {
    let most = 0;
    for (let c = from; c < from + dim; c++) most = Math.max(most, Math.abs(states[c]!));
    const steps = most > 0 ? (STATE_ZERO - 1) / most : 0;
    for (let c = from; c < from + dim; c++) quantized[c] = STATE_ZERO + Math.round(states[c]! * steps);
  }
  return quantized;
}
