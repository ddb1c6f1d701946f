import { describe, expect, it } from "vitest";
import type { RecipeConfig } from "../models/config.ts";
import { noContent } from "../models/items/content.ts";
import { recipeConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { packHistories } from "./histories.ts";
import { modelScorer } from "./model-scorer.ts";
import { fitPrior, openPrior } from "./prior.ts";

const items = 5;
const log = [
  [0, 1, 2],
  [0, 1, 2],
  [3, 1, 4],
  [3, 1, 4],
  [3, 1, 4],
];
const sequences = {
  offsets: Int32Array.from([0, 3, 6, 9, 12, 15]),
  sequence: Int32Array.from(log.flat()),
};
const data = {
  sequences,
  count: items,
  content: noContent(sequences, items),
  runtime: nodeRuntime,
  threads: 1,
};
const config = (set: Readonly<Record<string, unknown>>): RecipeConfig =>
  recipeConfig({
    recipe: "sequitur-id",
    set: Object.entries({ "items.dim": 8, "training.maxLength": 6, "training.rowLength": 8, ...set }).map(
      ([path, value]) => ({ path, value }),
    ),
  });

describe("a prior", () => {
  it("is added to the scores as weighted log-probabilities", async () => {
    const lists = [[0, 1], [2], [4, 4, 3, 1]].map((list) => Int32Array.from(list));
    const own = config({ "scoring.priorWeight": 0.5 });
    const { params: declared } = trainStep(own, { items, rows: 1, width: 8 });
    const params = { ...declared.initialize(1), ...(await fitPrior(own, data)) };
    const scores = async (of: RecipeConfig): Promise<Float32Array> => {
      const scorer = await modelScorer({ config: of, items, params, mode: "stored", runtime: nodeRuntime });
      const rows = await scorer.score(
        packHistories(
          lists.map((rows) => ({ rows })),
          scorer.maxLength,
        ),
      );
      await scorer.dispose();
      return rows;
    };
    const [joined, alone] = [await scores(own), await scores(config({ "scoring.prior": "none" }))];
    // After 0 1 came 2 twice and nothing else; after 1 came 2 twice and 4 three times; 2 is 2 of 15, 1 more each of 5.
    const after1 = (2 + 2 * (3 / 20)) / 7;
    expect(joined[2]! - alone[2]!).toBeCloseTo(0.5 * Math.log((2 + after1) / 3), 5);
    // Nothing followed 2: what is left is how often each item was met.
    expect(joined[items + 3]! - alone[items + 3]!).toBeCloseTo(0.5 * Math.log(4 / 20), 5);
  });

  it("takes rows that it never met for likely as rows are on average, in histories for nothing", async () => {
    const own = config({});
    const prior = openPrior(own, items, await fitPrior(own, data))!;
    const [known, grown] = [new Float32Array(items), new Float32Array(items + 2)];
    prior.add(Int32Array.of(0, 1), known);
    prior.add(Int32Array.of(0, 1, items + 1), grown);
    expect(grown.subarray(0, items)).toEqual(known);
    const usual = known.reduce((a, b) => a + b, 0) / items;
    for (const score of grown.subarray(items)) expect(score).toBeCloseTo(usual, 5);
    // The same for a row that was there when training counted, but never met.
    const fitted = openPrior(own, items + 1, await fitPrior(own, { ...data, count: items + 1 }))!;
    const scores = new Float32Array(items + 1);
    fitted.add(Int32Array.of(0, 1), scores);
    expect(scores[items]).toBeCloseTo(scores.subarray(0, items).reduce((a, b) => a + b, 0) / items, 5);
  });

  it("is nothing where the scoring has none", async () => {
    const none = config({ "scoring.prior": "none" });
    expect(await fitPrior(none, data)).toEqual({});
    expect(openPrior(none, items, {})).toBeNull();
  });
});
