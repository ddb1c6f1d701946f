/** @file The item vectors of a model by row: what histories are made of, and what states are compared with. */
import type { RecipeConfig } from "../models/config.ts";
import { createVectorTable, type VectorTable } from "./vector-table.ts";

/** One and the same where `scoring.output` is "tied". */
export interface VectorTables {
  /** What histories are made of. */
  readonly input: VectorTable;
  /** What states are compared with; a row is live where it is here. */
  readonly output: VectorTable;
}

/** Tables over vectors as a model keeps them (`keptVectors`), which are taken over. */
export function createVectorTables(
  vectors: Float32Array,
  items: number,
  { similarity, output: kind }: Pick<RecipeConfig["scoring"], "similarity" | "output">,
): VectorTables {
  const width = vectors.length / items;
  if (kind !== "separate") {
    const table = createVectorTable({ dim: width, vectors, similarity });
    return { input: table, output: table };
  }
  const dim = width / 2;
  return {
    input: createVectorTable({ dim, vectors: columns(vectors, width, 0, dim), similarity: "dot" }),
    output: createVectorTable({ dim, vectors: columns(vectors, width, dim, width), similarity }),
  };
}

/** The vectors that states are compared with, out of those that a model keeps: → [N, D]. */
export function outputVectors(
  vectors: Float32Array,
  items: number,
  { output }: Pick<RecipeConfig["scoring"], "output">,
): Float32Array {
  const width = vectors.length / items;
  return output === "separate" ? columns(vectors, width, width / 2, width) : vectors;
}

/** Some columns of rows of `width`. */
function columns(vectors: Float32Array, width: number, from: number, to: number): Float32Array {
  const rows = vectors.length / width;
  const own = new Float32Array(rows * (to - from));
  for (let row = 0; row < rows; row++)
    own.set(vectors.subarray(row * width + from, row * width + to), row * (to - from));
  return own;
}

/** Gives a row a vector as a model keeps it. @throws DataError for another width, or NaN */
export function putVector({ input, output }: VectorTables, row: number, vector: Float32Array): void {
  // The output last, so that what fails leaves no row live that a history could not be made of.
  if (input !== output) input.put(row, vector.subarray(0, input.dim));
  output.put(row, input === output ? vector : vector.subarray(input.dim));
}
