import { describe, expect, it } from "vitest";
import { type NegativeOptions, negativeSampler } from "./negatives.ts";

const items = 7;
const counts = Int32Array.of(0, 3, 10, 0, 1, 40, 2);
const options = (changes: Partial<NegativeOptions> = {}): NegativeOptions => ({
  items,
  draws: 200,
  counts,
  power: 0.75,
  seed: 1,
  ...changes,
});

describe("negatives", () => {
  it.each([0, 0.75])("are a pure function of seed and step, with power %d", (power) => {
    const draw = (step: number, seed = 1) => [...negativeSampler(options({ power, seed }))(step).items];
    const sampler = negativeSampler(options({ power }));
    sampler(3);
    expect([...sampler(4).items]).toEqual(draw(4));
    expect(draw(4)).not.toEqual(draw(5));
    expect(draw(4)).not.toEqual(draw(4, 2));
  });

  it.each([0, 0.75, 1])("come in proportion to (interactions + 1) to the power of %d", (power) => {
    const sampler = negativeSampler(options({ power, draws: 50_000 }));
    const drawn = new Float64Array(items);
    for (const item of sampler(0).items) drawn[item]! += 1 / 50_000;
    const weights = Array.from(counts, (n) => (n + 1) ** power);
    const total = weights.reduce((a, b) => a + b, 0);
    // Four standard deviations of a share.
    weights.forEach((w, i) => {
      expect(Math.abs(drawn[i]! - w / total)).toBeLessThan(4 * Math.sqrt(w / total / 50_000));
    });
  });

  it.each([0, 0.75])("estimate sums over the catalogue without bias, with power %d", (power) => {
    const value = (item: number): number => Math.exp(Math.sin(3 * item));
    const sampler = negativeSampler(options({ power }));
    const estimates = Array.from({ length: 400 }, (_, step) => {
      const { items: drawn, correction } = sampler(step);
      return drawn.reduce((total, item, k) => total + value(item) * Math.exp(correction[k]!), 0);
    });
    const truth = Array.from(counts, (_, item) => value(item)).reduce((a, b) => a + b, 0);
    const mean = estimates.reduce((a, b) => a + b, 0) / estimates.length;
    const deviation = Math.sqrt(estimates.reduce((t, e) => t + (e - mean) ** 2, 0)) / estimates.length;
    expect(Math.abs(mean - truth)).toBeLessThan(4 * deviation);
    expect(deviation).toBeGreaterThan(0);
  });
});
