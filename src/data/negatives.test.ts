import { describe, expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { type NegativeOptions, negativeSampler } from "./negatives.ts";

const items = 7;
const counts = Int32Array.of(0, 3, 10, 0, 1, 40, 2);
const options = (changes: Partial<NegativeOptions> = {}): NegativeOptions => ({
  items,
  draws: 200,
  counts,
  times: 1,
  power: 0.75,
  from: "catalogue",
  seed: 1,
  ...changes,
});

const batch = { target: Int32Array.of(1, 2, 5, 0), weight: Float32Array.of(1, 1, 1, 0) };

describe("negatives", () => {
  it.each([0, 0.75])("are a pure function of seed and step, with power %d", (power) => {
    const draw = (step: number, seed = 1) => [
      ...negativeSampler(options({ power, seed }))(step, batch).items,
    ];
    const sampler = negativeSampler(options({ power }));
    sampler(3, batch);
    expect([...sampler(4, batch).items]).toEqual(draw(4));
    expect(draw(4)).not.toEqual(draw(5));
    expect(draw(4)).not.toEqual(draw(4, 2));
  });

  it.each([0, 0.75, 1])("come in proportion to (interactions + 1) to the power of %d", (power) => {
    const sampler = negativeSampler(options({ power, draws: 50_000 }));
    const drawn = new Float64Array(items);
    for (const item of sampler(0, batch).items) drawn[item]! += 1 / 50_000;
    const weights = Array.from(counts, (n) => (n + 1) ** power);
    const total = weights.reduce((a, b) => a + b, 0);
    // Four standard deviations of a share.
    weights.forEach((w, i) => {
      expect(Math.abs(drawn[i]! - w / total)).toBeLessThan(4 * Math.sqrt(w / total / 50_000));
    });
  });

  // Targets that come as often as items do, which is what the correction of draws from the batch takes for granted.
  const target = Int32Array.from([...counts].flatMap((n, item) => Array<number>(n).fill(item)));
  const targets = { target, weight: new Float32Array(target.length).fill(1) };
  it.each([
    { power: 0, from: "catalogue" },
    { power: 0.75, from: "catalogue" },
    { power: 0, from: "both" },
    { power: 0.75, from: "both" },
    { power: 0, from: "batch" },
  ] as const)("estimate sums over the catalogue without bias, with %j", ({ power, from }) => {
    // What never was a target is not drawn from the batch: there, the sum is over the others.
    const value = (item: number): number =>
      from === "batch" && counts[item] === 0 ? 0 : Math.exp(Math.sin(3 * item));
    const sampler = negativeSampler(options({ power, from }));
    const estimates = Array.from({ length: 400 }, (_, step) => {
      const { items: drawn, correction } = sampler(step, targets);
      return drawn.reduce((total, item, k) => total + value(item) * Math.exp(correction[k]!), 0);
    });
    const truth = Array.from(counts, (_, item) => value(item)).reduce((a, b) => a + b, 0);
    const mean = estimates.reduce((a, b) => a + b, 0) / estimates.length;
    const deviation = Math.sqrt(estimates.reduce((t, e) => t + (e - mean) ** 2, 0)) / estimates.length;
    expect(Math.abs(mean - truth)).toBeLessThan(4 * deviation);
    expect(deviation).toBeGreaterThan(0);
  });

  it("are each target of the step once and draws from the catalogue, which estimate sums over it without bias", () => {
    const [draws, tokens] = [8, 6];
    const random = stream(5, "targets");
    const weight = Float32Array.of(1, 1, 1, 1, 1, 1, 0, 0);
    for (const power of [0, 0.75]) {
      const sampler = negativeSampler(options({ power, draws, from: "targets" }));
      const estimates = Array.from({ length: 4000 }, (_, step) => {
        const drawnTargets = Int32Array.from(weight, () => target[random.below(target.length)]!);
        const { items: drawn, correction } = sampler(step, { target: drawnTargets, weight });
        const once = [...new Set(drawnTargets.subarray(0, tokens))];
        expect([...drawn.subarray(0, once.length)]).toEqual(once);
        return drawn.reduce((sum, item, k) => sum + Math.exp(Math.sin(3 * item) + correction[k]!), 0);
      });
      const truth = Array.from(counts, (_, item) => Math.exp(Math.sin(3 * item))).reduce((a, b) => a + b, 0);
      const mean = estimates.reduce((a, b) => a + b, 0) / estimates.length;
      // How many are drawn from the catalogue depends on the targets, which costs a bias of a hundredth.
      expect(Math.abs(mean - truth)).toBeLessThan(0.02 * truth);
    }
  });

  it("come from the targets of the step, never from its padding, or half from them", () => {
    const [inBatch, mixed] = (["batch", "both"] as const).map((from) =>
      negativeSampler(options({ from, power: 0, draws: 4, times: 50 }))(1, batch),
    );
    expect(new Set(inBatch!.items)).toEqual(new Set([1, 2, 5]));
    expect(inBatch!.items.length).toBe(200);
    inBatch!.items.forEach((item, k) => {
      expect(inBatch!.correction[k]).toBeCloseTo(-Math.log((4 * counts[item]!) / 56), 5);
    });
    mixed!.items.forEach((item, k) => {
      if (k % 4 >= 2) expect([1, 2, 5]).toContain(item);
      expect(mixed!.correction[k]).toBeCloseTo(-Math.log(2 / 7 + (2 * counts[item]!) / 56), 5);
    });
  });
});
