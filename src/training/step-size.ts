/** @file The sizes of a recipe's steps: rows, their width and their predictions. */
import type { BatchOptions } from "../data/batches.ts";
import { maskedPredictions } from "../data/masked.ts";
import { type Padding, paddedRows } from "../data/padded.ts";
import type { Sequences } from "../data/sequences.ts";
import { maskingOf, needsOf, type RecipeConfig, rowWidth } from "../models/config.ts";
import type { StepSize } from "../models/train-step.ts";

/** How rows are padded; null where the backbone asks for no such rows. */
function paddingOf(config: RecipeConfig): Padding | null {
  const { batchTokens: predictions, targets } = config.training;
  return needsOf(config).rows === "padded" ? { predictions, targets } : null;
}

/** Rows of a step (R). Packed rows are full; how many padded rows have so many tokens is the data's to say. */
export function stepRows(config: RecipeConfig, sequences: Sequences): number {
  const { batchTokens, rowLength, maxLength } = config.training;
  const padded = paddingOf(config);
  return padded ? paddedRows(sequences, maxLength, padded) : Math.max(1, Math.round(batchTokens / rowLength));
}

/** What of a recipe's steps does not depend on the epoch. */
export type StepShape = Omit<BatchOptions, "seed" | "epoch">;

/** How the epochs of a recipe over such histories are planned, in steps of so many rows. */
export function stepShape(config: RecipeConfig, rows: number, sequences: Sequences): StepShape {
  const timed = needsOf(config).times !== "none";
  const size = { rows, width: rowWidth(config), maxLength: config.training.maxLength, timed };
  const [padded, masking] = [paddingOf(config), maskingOf(config)];
  if (padded) return { ...size, padded };
  if (!masking) return size;
  return { ...size, masked: { ...masking, predictions: maskedPredictions(sequences, size, masking) } };
}

export function stepSize({ rows, width, padded, masked }: StepShape, items: number): StepSize {
  const chosen = padded ?? masked;
  return { items, rows, width, ...(chosen && { predictions: chosen.predictions }) };
}
