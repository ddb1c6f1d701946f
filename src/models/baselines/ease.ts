/** @file EASE: a linear model of items on items with a closed form. */
import { z } from "zod";
import type { Sequences } from "../../data/sequences.ts";
import { ConfigError } from "../../tensor/errors.ts";
import { defineBaseline } from "./define.ts";
import { invertSparse } from "./sparse-inverse.ts";

/** The item–item matrix is dense: at this many items it takes 1.6 GB. */
const mostItems = 20_000;

const config = z.strictObject({
  name: z.literal("ease").default("ease"),
  regularization: z.number().positive().default(200).describe("λ, added to the diagonal"),
  longest: z.int().min(1).default(500).describe("most recent items of a history that are used"),
});

/** XᵀX for the histories as sets of items: [N, N], in shared memory. */
function gram({ offsets, sequence }: Sequences, count: number, longest: number): Float32Array {
  const matrix = new Float32Array(new SharedArrayBuffer(4 * count * count));
  for (let user = 0; user < offsets.length - 1; user++) {
    const end = offsets[user + 1]!;
    const items = [...new Set(sequence.subarray(Math.max(offsets[user]!, end - longest), end))];
    for (const a of items) for (const b of items) matrix[a * count + b]!++;
  }
  return matrix;
}

/**
 * Scores are Σ B[i] over the items i of the history, with B = I − P·diag(1/P), P = (XᵀX + λI)⁻¹ and B's diagonal zero.
 * The order of the history is not used.
 *
 * Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019, arXiv:1905.03375.
 */
export const ease = defineBaseline<z.infer<typeof config>>({
  name: "ease",
  summary: "a linear model of items on items in closed form, up to 20,000 items",
  source: "Steck 2019, arXiv:1905.03375",
  config,
  async fit({ sequences, count, runtime, threads, breathe, onProgress }, { regularization, longest }) {
    if (count > mostItems)
      throw new ConfigError(
        "too-many-items",
        `ease: ${count} items; its dense item–item matrix fits up to ${mostItems} (try item-knn)`,
      );
    const matrix = gram(sequences, count, longest);
    for (let i = 0; i < count; i++) matrix[i * count + i]! += regularization;
    const progress = (done: number): void => onProgress?.(`ease: solved ${Math.round(100 * done)} %`);
    await invertSparse(matrix, count, { runtime, threads, breathe, onProgress: progress });
    const diagonal = Float32Array.from({ length: count }, (_, i) => matrix[i * count + i]!);
    for (let i = 0; i < count; i++)
      for (let j = 0; j < count; j++) {
        const at = i * count + j;
        matrix[at] = i === j ? 0 : -matrix[at]! / diagonal[j]!;
      }
    return { weights: { data: matrix, shape: [count, count] } };
  },
  scorer({ weights }, count, { longest }) {
    const matrix = weights!.data as Float32Array;
    return (history, scores) => {
      for (const item of new Set(history.subarray(Math.max(0, history.length - longest)))) {
        const start = item * count;
        for (let j = 0; j < count; j++) scores[j]! += matrix[start + j]!;
      }
    };
  },
});
