/** @file How the step size changes over a training. */
import type { RecipeConfig } from "../models/config.ts";

/** Step size of update `step` (from 1) out of `steps`: a linear rise over the warm-up, then the schedule down to almost zero. */
export function learningRateAt(step: number, steps: number, settings: RecipeConfig["training"]): number {
  const { learningRate, schedule, warmup } = settings;
  if (step <= warmup) return (learningRate * step) / warmup;
  const done = Math.min(1, (step - 1 - warmup) / Math.max(1, steps - warmup));
  if (schedule === "constant") return learningRate;
  return learningRate * (schedule === "linear" ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2);
}
