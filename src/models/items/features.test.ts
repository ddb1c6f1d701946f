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
  ["columns", Math.SQRT2, [Math.sqrt(3 / 8), Math.sqrt(1 / 200)]],
  ["whole", Math.SQRT2, [Math.sqrt(3 / 304), Math.sqrt(3 / 304)]],
  ["columns", 0.1, [0.1 * Math.sqrt(3 / 16), 0.1 * Math.sqrt(1 / 400)]],
] as const)(
  "features are centred over items that have some, and divided by %s, to a length of %d",
  async (scaling, length, gain) => {
    const config = features.config.parse({ scaling, length }) as never;
    const found = await features.constants!(content, config);
    expect([...found.center!.data]).toEqual([3, 20]);
    gain.forEach((value, c) => {
      expect(found.gain!.data[c]).toBeCloseTo(value, 6);
    });
    // The mean of the squared lengths is that of the length.
    const squares = [0, 1, 2].map((item) =>
      [0, 1].reduce(
        (t, c) => t + ((table.values[2 * item + c]! - [3, 20][c]!) * Number(found.gain!.data[c])) ** 2,
        0,
      ),
    );
    expect(squares.reduce((a, b) => a + b, 0) / 3).toBeCloseTo(length ** 2, 5);
    expect([...found.present!.data]).toEqual([1, 1, 1, 0]);
  },
);
