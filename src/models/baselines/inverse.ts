/** @file The inverse of a large positive definite matrix, block by block through the engine. */
import { Graph } from "../../graph/graph.ts";
import { matmul } from "../../graph/ops/index.ts";
import type { Program, Runtime } from "../../runtime/runtime.ts";
import { f32 } from "../../tensor/spec.ts";

export interface InverseOptions {
  readonly runtime: Runtime;
  readonly threads: number;
  /** Columns swept together; default 384. */
  readonly block?: number;
  /** Rows updated together; default 1,024. */
  readonly panel?: number;
  /** Share of the work that is done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** A square matrix, row-major. */
interface Square {
  readonly values: Float32Array;
  readonly size: number;
}

/** Rows and columns that are swept together. */
interface Block {
  readonly start: number;
  readonly width: number;
}

/**
 * Replaces a symmetric positive definite matrix [N, N], row-major, by its inverse: N³ operations in matrix products of
 * the runtime, over the lower triangle alone; the one above is neither read nor of use until the end.
 *
 * Each block of columns C is swept (Beaton 1964; Goodnight 1979): with D the inverse of its diagonal block, the rest
 * becomes A − C·D·Cᵀ, the columns C·D and the diagonal block −D, which keeps A symmetric; once all are, it is −A⁻¹.
 */
export async function invertPositive(
  values: Float32Array,
  size: number,
  { runtime, threads, block = 384, panel = 1024, onProgress }: InverseOptions,
): Promise<void> {
  const matrix = { values, size };
  const graph = new Graph();
  const [left, right] = [graph.input("left", f32("R", "K")), graph.input("right", f32("C", "K"))];
  graph.output("product", matmul(left, right, { transB: true }));
  const program = await runtime.compile(graph, { threads });
  try {
    for (let start = 0; start < size; start += block) {
      const swept = { start, width: Math.min(block, size - start) };
      await sweep(matrix, swept, program, panel);
      onProgress?.((start + swept.width) / size);
    }
  } finally {
    await program.dispose();
  }
  negateAndMirror(matrix);
}

/** Sweeps a block; one panel's product is subtracted while the next is under way. */
async function sweep(matrix: Square, block: Block, program: Program, panel: number): Promise<void> {
  const { size } = matrix;
  const { width } = block;
  /** left · rightᵀ, both of rows as wide as the block. */
  const product = async (left: Float32Array, right: Float32Array): Promise<Float32Array> => {
    const shaped = (data: Float32Array) => ({ data, shape: [data.length / width, width] });
    return (await program.run({ left: shaped(left), right: shaped(right) })).product!.data as Float32Array;
  };
  const columns = takeColumns(matrix, block);
  const pivot = invertSmall(matrix, block);
  const scaled = sharedArray(size * width);
  scaled.set(await product(columns, pivot));
  const starts = Array.from({ length: Math.ceil(size / panel) }, (_, k) => k * panel);
  await Promise.all(
    starts.map(async (from) => {
      const to = Math.min(from + panel, size);
      const update = await product(
        scaled.subarray(from * width, to * width),
        columns.subarray(0, to * width),
      );
      subtract(matrix, update, from, to);
    }),
  );
  putColumns(matrix, block, scaled);
  putDiagonal(matrix, block, pivot);
}

/** Arrays on shared memory go to the worker without being copied into a message. */
const sharedArray = (elements: number): Float32Array => new Float32Array(new SharedArrayBuffer(4 * elements));

/** Columns of a block, those above the diagonal from the rows they mirror: [N, width]. */
function takeColumns({ values, size }: Square, { start, width }: Block): Float32Array {
  const columns = sharedArray(size * width);
  for (let k = 0; k < width; k++) {
    const row = (start + k) * size;
    for (let i = 0; i < start + k; i++) columns[i * width + k] = values[row + i]!;
  }
  for (let i = start; i < size; i++) {
    const known = Math.min(i - start + 1, width);
    columns.set(values.subarray(i * size + start, i * size + start + known), i * width);
  }
  return columns;
}

/** The other way round. */
function putColumns({ values, size }: Square, { start, width }: Block, columns: Float32Array): void {
  for (let k = 0; k < width; k++) {
    const row = (start + k) * size;
    for (let i = 0; i < start; i++) values[row + i] = columns[i * width + k]!;
  }
  for (let i = start + width; i < size; i++)
    values.set(columns.subarray(i * width, (i + 1) * width), i * size + start);
}

function putDiagonal({ values, size }: Square, { start, width }: Block, pivot: Float32Array): void {
  for (let i = 0; i < width; i++)
    for (let j = 0; j <= i; j++) values[(start + i) * size + start + j] = -pivot[i * width + j]!;
}

/** Subtracts [to − from, to] from the first columns of the rows from..to. */
function subtract({ values, size }: Square, update: Float32Array, from: number, to: number): void {
  for (let i = from, at = 0; i < to; i++) {
    const row = i * size;
    for (let j = 0; j < to; j++, at++) values[row + j]! -= update[at]!;
  }
}

/** The inverse of a diagonal block [width, width], swept row by row in float64. */
function invertSmall({ values, size }: Square, { start, width }: Block): Float32Array {
  const lower = new Float64Array(width * width);
  for (let i = 0; i < width; i++)
    for (let j = 0; j <= i; j++) lower[i * width + j] = values[(start + i) * size + start + j]!;
  const column = new Float64Array(width);
  for (let k = 0; k < width; k++) {
    for (let i = 0; i < width; i++) column[i] = i < k ? lower[k * width + i]! : lower[i * width + k]!;
    const inverse = 1 / column[k]!;
    for (let i = 0; i < width; i++) {
      const factor = column[i]! * inverse;
      const row = i * width;
      for (let j = 0; j <= i; j++) lower[row + j]! -= factor * column[j]!;
    }
    for (let i = 0; i < width; i++) lower[i < k ? k * width + i : i * width + k] = column[i]! * inverse;
    lower[k * width + k] = -inverse;
  }
  const full = sharedArray(width * width);
  for (let i = 0; i < width; i++)
    for (let j = 0; j < width; j++) full[i * width + j] = -lower[Math.max(i, j) * width + Math.min(i, j)]!;
  return full;
}

/** Tiles in which a triangle is mirrored, so that both sides stay near in memory. */
const tile = 64;

function negateAndMirror({ values, size }: Square): void {
  for (let top = 0; top < size; top += tile)
    for (let left = 0; left <= top; left += tile)
      for (let i = top; i < Math.min(top + tile, size); i++)
        for (let j = left; j < Math.min(left + tile, i + 1); j++) {
          const value = -values[i * size + j]!;
          values[i * size + j] = value;
          values[j * size + i] = value;
        }
}
