/** @file The vectors of items, in blocks that can grow while the service runs. */
import { DataError } from "../tensor/errors.ts";
import { type Bits, emptyBits, fullBits, grownBits, hasBit, setBit } from "./bits.ts";

/** Rows of a block; all blocks but the last have so many. */
export const BLOCK_ROWS = 65_536;

/** Consecutive rows: `data` holds [rows, D], and room for more where it is the last. */
export interface Block {
  readonly data: Float32Array;
  readonly rows: number;
}

/** Vectors by row, ready for the inner product. A row without a vector is never found. */
export interface VectorTable {
  readonly dim: number;
  readonly similarity: "dot" | "cosine";
  /** The number of rows, used or not. */
  readonly size: number;
  /** The rows that have a vector and were not removed. */
  readonly live: Bits;
  readonly blocks: readonly Block[];
  readonly bytes: number;
  /** Gives a row its vector [D]; a row past the end makes the table grow. @throws DataError for another width, or NaN */
  put(row: number, vector: Float32Array): void;
  remove(row: number): void;
  /** Makes a removed row live again with the vector that it had; true where it has one. */
  restore(row: number): boolean;
  /** The inner product of `queries[from .. from + D)` with a row. */
  dot(queries: Float32Array, from: number, row: number): number;
  /** The row as it is compared with states; valid until the table changes. */
  ready(row: number): Float32Array;
  /** The vector that was put there: what a history of the item is made of. */
  original(row: number, into: Float32Array, at: number): void;
}

export interface VectorTableOptions {
  readonly dim: number;
  /** [N, D]; taken over, and changed in place where they become of length one. */
  readonly vectors: Float32Array;
  /** "cosine": rows are kept with length one. */
  readonly similarity: "dot" | "cosine";
  /** The rows that have a vector; all by default. */
  readonly live?: Bits;
}

/** Added to squared lengths, as the graphs of a model do. */
const epsilon = 1e-12;

/** Makes a table of N rows. */
export function createVectorTable({
  dim,
  vectors,
  similarity,
  live: given,
}: VectorTableOptions): VectorTable {
  let size = vectors.length / dim;
  let live = given ?? fullBits(size);
  let held: Bits = live.slice();
  let lengths = similarity === "cosine" ? new Float32Array(size) : null;
  const blocks: { data: Float32Array<ArrayBufferLike>; rows: number }[] = [];
  for (let row = 0; row < size; row += BLOCK_ROWS) {
    const rows = Math.min(BLOCK_ROWS, size - row);
    blocks.push({ data: vectors.subarray(row * dim, (row + rows) * dim), rows });
  }
  const ready = (row: number): Float32Array => {
    const at = (row % BLOCK_ROWS) * dim;
    return blocks[Math.floor(row / BLOCK_ROWS)]!.data.subarray(at, at + dim);
  };
  if (lengths) for (let row = 0; row < size; row++) lengths[row] = normalize(ready(row));

  function growTo(rows: number): void {
    live = grownBits(live, rows);
    held = grownBits(held, rows);
    if (lengths && lengths.length < rows) lengths = grownFloats(lengths, Math.max(rows, 2 * lengths.length));
    for (; size < rows; size++) {
      const last = blocks.at(-1);
      if (!last || last.rows === BLOCK_ROWS) blocks.push({ data: new Float32Array(64 * dim), rows: 1 });
      else {
        const room = Math.min(BLOCK_ROWS, 2 * last.rows) * dim;
        if (last.data.length === last.rows * dim) last.data = grownFloats(last.data, room);
        last.rows++;
      }
    }
  }

  return {
    dim,
    similarity,
    get size() {
      return size;
    },
    get live() {
      return live;
    },
    blocks,
    get bytes() {
      const vectorBytes = blocks.reduce((total, { data }) => total + data.byteLength, 0);
      return vectorBytes + (lengths?.byteLength ?? 0) + live.byteLength;
    },
    put(row, vector) {
      if (vector.length !== dim || !vector.every(Number.isFinite)) {
        const message = `item vector: ${vector.length} values, ${dim} finite ones are needed`;
        throw new DataError("bad-vector", message, { row });
      }
      if (row >= size) growTo(row + 1);
      ready(row).set(vector);
      if (lengths) lengths[row] = normalize(ready(row));
      setBit(live, row, true);
      setBit(held, row, true);
    },
    remove(row) {
      if (row < size) setBit(live, row, false);
    },
    restore(row) {
      if (row >= size || !hasBit(held, row)) return false;
      setBit(live, row, true);
      return true;
    },
    dot(queries, from, row) {
      const { data } = blocks[Math.floor(row / BLOCK_ROWS)]!;
      const at = (row % BLOCK_ROWS) * dim;
      let sum = 0;
      for (let c = 0; c < dim; c++) sum += queries[from + c]! * data[at + c]!;
      return sum;
    },
    ready,
    original(row, into, at) {
      const length = lengths?.[row] ?? 1;
      ready(row).forEach((value, c) => {
        into[at + c] = value * length;
      });
    },
  };
}

/** True where a row has a vector and was not removed. */
export const isLive = ({ live }: VectorTable, row: number): boolean => hasBit(live, row);

/** Makes a row of length one and returns the length that it had. */
function normalize(row: Float32Array): number {
  let square = epsilon;
  for (let c = 0; c < row.length; c++) square += row[c]! * row[c]!;
  const length = Math.sqrt(square);
  for (let c = 0; c < row.length; c++) row[c]! /= length;
  return length;
}

function grownFloats(from: Float32Array, length: number): Float32Array<ArrayBuffer> {
  const grown = new Float32Array(length);
  grown.set(from);
  return grown;
}

/** No rows yet: for catalogues that are filled while the service runs. */
export const emptyTable = (dim: number, similarity: "dot" | "cosine"): VectorTable =>
  createVectorTable({ dim, vectors: new Float32Array(0), similarity, live: emptyBits(0) });
