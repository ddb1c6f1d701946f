/** @file What a running training reports. */
import type { Epoch } from "../data/batches.ts";
import type { RecipeConfig } from "../models/config.ts";
import type { State } from "./checkpoint.ts";
import type { TrainProgress } from "./progress.ts";

export interface StepFacts {
  readonly plan: Epoch;
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly tokens: number;
  readonly began: number;
  readonly state: State;
  readonly settings: RecipeConfig["training"];
}

/** The report after a step. */
export function stepReport({
  plan,
  step,
  epoch,
  loss,
  tokens,
  began,
  state,
  settings: { epochs },
}: StepFacts): TrainProgress {
  const elapsed = (performance.now() - began) / 1000;
  const done = (step + 1) / plan.steps;
  const past = epoch - 1;
  // Finished epochs tell what one costs, validation included; before the first, its steps do.
  const each = past > 0 ? state.seconds / past : elapsed / done;
  const secondsLeft = Math.max(0, (epochs - past) * each - elapsed);
  return {
    kind: "step",
    epoch,
    epochs,
    step: step + 1,
    steps: plan.steps,
    loss,
    interactionsPerSecond: tokens / elapsed,
    secondsLeft,
  };
}

/** A sentence for the user. */
export function sentence(text: string, epochs: number): TrainProgress {
  return {
    kind: "message",
    epoch: 0,
    epochs,
    step: 0,
    steps: 0,
    loss: 0,
    interactionsPerSecond: 0,
    secondsLeft: 0,
    text,
  };
}
