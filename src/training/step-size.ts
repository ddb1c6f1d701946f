/** @file The sizes of a recipe's steps: rows, their width and their predictions. */
import type { BatchOptions } from "../data/batches.ts";
import { paddedRows } from "../data/padded.ts";
import type { Sequences } from "../data/sequences.ts";
import { needsOf, type RecipeConfig, rowWidth } from "../models/config.ts";
import type { StepSize } from "../models/train-step.ts";

/** How rows are padded, where the backbone asks for one history in a row. */
export function paddingOf(config: RecipeConfig): Pick<BatchOptions, "padded"> {
  const { batchTokens: predictions, targets } = config.training;
  return needsOf(config).rows === "padded" ? { padded: { predictions, targets } } : {};
}

/** Rows of a step (R). Packed rows are full; how many padded rows have so many tokens is the data's to say. */
export function stepRows(config: RecipeConfig, sequences: Sequences): number {
  const { batchTokens, rowLength, maxLength } = config.training;
  const { padded } = paddingOf(config);
  return padded ? paddedRows(sequences, maxLength, padded) : Math.max(1, Math.round(batchTokens / rowLength));
}

export function stepSize(config: RecipeConfig, rows: number, items: number): StepSize {
  const { padded } = paddingOf(config);
  const size = { items, rows, width: rowWidth(config) };
  return padded ? { ...size, predictions: padded.predictions } : size;
}

/** How the epochs of a recipe are planned, but for their seed and number. */
export const epochOptions = (config: RecipeConfig, rows: number): Omit<BatchOptions, "seed" | "epoch"> => ({
  rows,
  width: rowWidth(config),
  maxLength: config.training.maxLength,
  ...paddingOf(config),
});
