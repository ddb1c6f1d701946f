import { describe, expect, it } from "vitest";
import { recipeConfig } from "../models/recipes.ts";
import { learningRateAt } from "./schedule.ts";

const settings = (schedule: string, warmup = 0) =>
  recipeConfig({
    set: [
      { path: "training.schedule", value: schedule },
      { path: "training.warmup", value: warmup },
      { path: "training.learningRate", value: 0.1 },
    ],
  }).training;

describe("the step size", () => {
  it.each(["constant", "cosine", "linear"])(
    "of a %s schedule starts at its peak, never rises and never is zero",
    (schedule) => {
      const rates = Array.from({ length: 50 }, (_, i) => learningRateAt(i + 1, 50, settings(schedule)));
      expect(rates[0]).toBe(0.1);
      rates.forEach((rate, i) => {
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(rates[Math.max(0, i - 1)]!);
      });
      expect(learningRateAt(1, 1, settings(schedule))).toBe(0.1); // a single update is a whole one
    },
  );

  it("rises linearly over the warm-up", () => {
    const rates = Array.from({ length: 5 }, (_, i) => learningRateAt(i + 1, 20, settings("cosine", 4)));
    [0.025, 0.05, 0.075, 0.1, 0.1].forEach((want, i) => {
      expect(rates[i]).toBeCloseTo(want, 12);
    });
  });
});
