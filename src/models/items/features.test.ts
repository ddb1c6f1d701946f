import { expect, it } from "vitest";
import type { FeatureTable } from "../../data/features.ts";
import { type ItemContent, noContent } from "./content.ts";
import { features } from "./features.ts";

/** Two columns of the items 0 to 3, of which the last has no content. */
const table: FeatureTable = {
  name: "text",
  dim: 2,
  values: Float32Array.of(1, 10, 3, 10, 5, 40, 999, 999),
  present: Uint8Array.of(1, 1, 1, 0),
  source: {},
  contentHash: "",
};
const nothing = { offsets: new Int32Array(1), sequence: new Int32Array(0) };
const content: ItemContent = { ...noContent(nothing, 4), features: async () => table };

it.each([
  // Means 3 and 20, variances 8/3 and 200, their mean 304/3.
  ["columns", [Math.sqrt(3 / 8), Math.sqrt(1 / 200)]],
  ["whole", [Math.sqrt(3 / 304), Math.sqrt(3 / 304)]],
] as const)("features are centred over items that have some, and divided by %s", async (scaling, gain) => {
  const config = features.config.parse({ scaling }) as never;
  const found = await features.constants!(content, config);
  expect([...found.center!.data]).toEqual([3, 20]);
  gain.forEach((value, c) => {
    expect(found.gain!.data[c]).toBeCloseTo(value, 6);
  });
  expect([...found.present!.data]).toEqual([1, 1, 1, 0]);
});
