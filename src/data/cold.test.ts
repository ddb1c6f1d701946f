import { describe, expect, it } from "vitest";
import { coldItems, withoutItems } from "./cold.ts";
import { negativeSampler } from "./negatives.ts";
import { leaveOneOut } from "./split.ts";

const marked = (marks: Uint8Array): number[] => Array.from(marks.keys()).filter((item) => marks[item] === 1);

describe("cold items", () => {
  it("are the share of the items that the seed chooses", () => {
    const marks = coldItems(200, { share: 0.05, seed: 3 });
    expect(marked(marks)).toHaveLength(10);
    expect(coldItems(200, { share: 0.05, seed: 3 })).toEqual(marks);
    expect(coldItems(200, { share: 0.05, seed: 4 })).not.toEqual(marks);
    expect(() => coldItems(9, { share: 0.05, seed: 0 })).toThrow("split.cold: 0.05 of 9 items are 0");
    expect(() => coldItems(9, { share: 0.99, seed: 0 })).toThrow("split.cold: 0.99 of 9 items are 9");
  });

  it("leave training histories and validation targets, and stay where they are met", () => {
    const offsets = Int32Array.of(0, 5, 9, 12);
    const sequence = Int32Array.of(0, 1, 2, 3, 4, 1, 1, 5, 2, 4, 1, 0);
    const times = Float64Array.from(sequence.keys());
    const split = withoutItems(leaveOneOut({ offsets, sequence, times }), Uint8Array.of(0, 1, 0, 0, 0, 0));
    expect([...split.training.offsets]).toEqual([0, 2, 2, 3]);
    expect([...split.training.sequence]).toEqual([0, 2, 4]);
    expect([...split.training.times!]).toEqual([0, 2, 9]);
    expect([...split.validation.times!.history]).toEqual([0, 1, 2, 5, 6]);
    expect([...split.validation.times!.target]).toEqual([3, 7]);
    expect([...split.validation.users]).toEqual([0, 1]);
    expect([...split.validation.target]).toEqual([3, 5]);
    expect([...split.validation.offsets]).toEqual([0, 3, 5]);
    expect([...split.validation.history]).toEqual([0, 1, 2, 1, 1]);
    expect([...split.test.target]).toEqual([4, 2, 0]);
    expect([...split.test.history]).toEqual([0, 1, 2, 3, 1, 1, 5, 4, 1]);
  });

  it.each([0, 0.5])("are no negatives, drawn to the power %d", (power) => {
    const absent = Uint8Array.of(0, 1, 0, 1, 0);
    const counts = Int32Array.of(4, 0, 1, 0, 2);
    const options = { items: 5, draws: 400, times: 1, counts, power, from: "catalogue", seed: 1 } as const;
    const batch = { target: Int32Array.of(0), weight: Float32Array.of(1) };
    const { items, correction } = negativeSampler({ ...options, absent })(0, batch);
    expect([...new Set(items)].sort()).toEqual([0, 2, 4]);
    // Sums over the draw estimate sums over the items that there are.
    const estimated = correction.reduce((total, c) => total + Math.exp(c), 0);
    expect(estimated).toBeGreaterThan(2.6);
    expect(estimated).toBeLessThan(3.4);
  });
});
