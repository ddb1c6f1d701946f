import { describe, expect, it } from "vitest";
import { tableComponents } from "../../content/table-components.ts";
import type { FeatureTable } from "../../data/features.ts";
import { stream } from "../../tensor/random.ts";
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

describe("components", () => {
  const dim = 4;
  const random = stream(7, "components");
  /** Two directions that are there, one of them ten times as strong, and nothing else. */
  const values = new Float32Array(50 * dim);
  for (let item = 0; item < 50; item++) {
    const [a, b] = [10 * random.normal(), random.normal()];
    values.set([a + 3, a, b, 1], item * dim);
  }
  const wide: FeatureTable = { ...table, dim, values, present: new Uint8Array(50).fill(1) };
  const of = async (components: number) =>
    features.constants!(
      {
        ...noContent(nothing, 50),
        features: async () => wide,
        components: (_, count) => tableComponents(wide, count),
      },
      features.config.parse({ components }) as never,
    );

  it("have variance 1 and nothing in common, the strongest first; what is not there is 0", async () => {
    const { center, gain } = await of(3);
    const seen = Array.from({ length: 50 }, (_, item) =>
      [0, 1, 2].map((k) => {
        let sum = 0;
        for (let c = 0; c < dim; c++)
          sum += (values[item * dim + c]! - (center!.data[c] as number)) * (gain!.data[c * 3 + k] as number);
        return sum;
      }),
    );
    const product = (j: number, k: number) => seen.reduce((sum, x) => sum + x[j]! * x[k]!, 0) / 50;
    expect([product(0, 0), product(1, 1), product(2, 2)].map((x) => Number(x.toFixed(4)))).toEqual([1, 1, 0]);
    expect(product(0, 1)).toBeCloseTo(0, 4);
    // The first runs along the first two columns alike.
    expect(gain!.data[0]).toBeCloseTo(gain!.data[3] as number, 4);
  });

  it.each([
    [{ components: 5 }, 'features "text" have 4 columns; ask for at most 4 components'],
    [{ components: 2, scaling: "whole" }, 'scaling "whole" is of columns'],
  ])("are refused where they cannot be: %o", async (settings, message) => {
    const content = {
      ...noContent(nothing, 50),
      tables: async () => ["text"],
      features: async () => wide,
    };
    const settled = features.settle!(content as ItemContent, features.config.parse(settings) as never);
    await expect(settled).rejects.toThrow(message);
  });
});
