import { describe, expect, it } from "vitest";
import type { FeatureTable } from "../../data/features.ts";
import { DataError } from "../../tensor/errors.ts";
import { parts } from "../parts.ts";
import { type ItemContent, noContent } from "./content.ts";

const fused = parts.items.find(({ name }) => name === "fused")!;
const nothing = noContent({ offsets: new Int32Array(1), sequence: new Int32Array(0) }, 1);
const table: FeatureTable = {
  name: "text",
  dim: 2,
  values: Float32Array.of(1, 2),
  present: Uint8Array.of(1),
  source: {},
  contentHash: "",
};

/** A text table that can be read, and of others only the names. */
const content: ItemContent = {
  ...nothing,
  tables: async () => ["damaged", "text"],
  async features(name) {
    if (name === "text") return table;
    throw new DataError("other-dataset", `features "${name}" belong to another data set`);
  },
};

/** The labels of the parts that are left where the `optional` ones may be missing. */
async function settled(...optional: string[]): Promise<string[]> {
  const own = optional.map((name) => [name, { name: "features", table: name, optional: true }] as const);
  const config = fused.config.parse({ parts: { id: {}, ...Object.fromEntries(own) } });
  const { parts: left } = (await fused.settle!(content, config as never)) as unknown as {
    parts: object;
  };
  return Object.keys(left);
}

describe("an optional part of a fused item", () => {
  it("is left out where the data has no such table", async () => {
    expect(await settled("text", "image")).toEqual(["id", "text"]);
  });

  it("is not left out where its table is broken or of another data set", async () => {
    await expect(settled("text", "damaged")).rejects.toThrow('features "damaged" belong to another data set');
  });

  it("is needed where ids alone would be left", async () => {
    await expect(settled("image")).rejects.toThrow('the model needs a feature table "image"');
  });
});
