import { describe, expect, it } from "vitest";
import { openedNetwork, textTransformer } from "../content/transformer.fixture.ts";
import { planEpoch } from "../data/batches.ts";
import { noContent } from "../models/items/content.ts";
import { recipeConfig } from "../models/recipes.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { createLearner } from "./learner.ts";

const [items, width] = [60, 8];
const two = { offsets: Int32Array.of(0, 9, 18), sequence: Int32Array.from({ length: 18 }, (_, k) => k) };
const ids = { name: "id", dim: 8, start: "noise" };
const texts = { name: "text-encoder", encoder: "text", length: 3, dim: 8 };

const network = openedNetwork("text", textTransformer({ vocabulary: 9, width: 4, layers: 1 }))[1];
const content = {
  ...noContent(two, items),
  network: async () => network,
  tokens: async () => ({
    width: 3,
    tokens: new Int32Array(3 * items).fill(5),
    lengths: new Int32Array(items).fill(3),
  }),
};

/** One update by an epoch of two full rows, where steps have so many: the weights, and how many programs there were. */
async function afterOne(rows: number, described: object) {
  let programs = 0;
  const compile: Runtime["compile"] = (...given) => {
    programs++;
    return nodeRuntime.compile(...given);
  };
  const config = recipeConfig({
    config: {
      items: described,
      backbone: { dropout: 0 },
      loss: { name: "cross-entropy" },
      training: { maxLength: 8, rowLength: width },
    },
  });
  const options = { config, content, items, sequences: two, rows, seed: 3, threads: 1 };
  const learner = await createLearner({ ...options, runtime: { ...nodeRuntime, compile } });
  const epoch = planEpoch(two, { rows, width, maxLength: 8, seed: 1, epoch: 1 });
  const { tokens } = await learner.update(epoch, 0, 0.01);
  await learner.dispose();
  expect(tokens).toBe(16);
  return { params: learner.weights.params, programs };
}

describe("the last step of an epoch", () => {
  it("learns the same from its few rows alone as beside empty ones", async () => {
    const [alone, beside] = [await afterOne(5, ids), await afterOne(3, ids)];
    expect([alone.programs, beside.programs]).toEqual([2, 1]);
    const [a, b] = [alone, beside].map(({ params }) => params["items.id"]!.data as Float32Array);
    for (const [i, value] of a!.entries()) expect(value).toBeCloseTo(b![i]!, 5);
  });

  it("has no program of its own where a network is part of it", async () => {
    expect((await afterOne(5, texts)).programs).toBe(1);
  });
});
