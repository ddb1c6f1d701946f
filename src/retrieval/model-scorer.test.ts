import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rowWidth } from "../models/config.ts";
import { recipeConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { stream } from "../tensor/random.ts";
import { packHistories } from "./histories.ts";
import { packForScoring, padForScoring } from "./history-rows.ts";
import { modelScorer } from "./model-scorer.ts";

const width = 8;
const items = 11;
const histories = fc.array(fc.array(fc.nat(items - 1), { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 20,
});
const packed = (lists: readonly (readonly number[])[], maxLength: number) =>
  packHistories(
    lists.map((list) => ({ rows: Int32Array.from(list) })),
    maxLength,
  );

describe("packing for scoring", () => {
  it("gives every history a run of places of its own in one row, the last item last", () => {
    fc.assert(
      fc.property(histories, (lists) => {
        const { rows, item, position, segment, last } = packForScoring(packed(lists, width), width);
        expect(item).toHaveLength(rows * width);
        lists.forEach((list, q) => {
          const recent = list.slice(-width);
          const end = last[q]! + 1;
          const start = end - recent.length;
          expect(Math.floor(start / width)).toBe(Math.floor(last[q]! / width));
          expect([...item.subarray(start, end)]).toEqual(recent);
          expect([...position.subarray(start, end)]).toEqual(recent.map((_, k) => recent.length - 1 - k));
          expect(new Set(segment.subarray(start, end)).size).toBe(1);
        });
        const used = lists.reduce((sum, list) => sum + Math.min(list.length, width), 0);
        expect(segment.filter((s) => s > 0)).toHaveLength(used); // so no two histories share a place
      }),
    );
  });
});

describe("padding for scoring", () => {
  it("gives every history the end of a row of its own", () => {
    fc.assert(
      fc.property(histories, (lists) => {
        const { rows, item, segment, last } = padForScoring(packed(lists, width), width);
        expect(rows).toBe(lists.length);
        lists.forEach((list, q) => {
          const row = item.subarray(q * width, (q + 1) * width);
          const recent = list.slice(-width);
          expect(last[q]).toBe((q + 1) * width - 1);
          expect([...row]).toEqual([...new Array<number>(width - recent.length).fill(0), ...recent]);
          const real = [...segment.subarray(q * width, (q + 1) * width)].map((s) => s > 0);
          expect(real).toEqual([...row.keys()].map((k) => k >= width - recent.length));
        });
      }),
    );
  });
});

describe("a model as a scorer", () => {
  it.each([
    ["stored", {}],
    ["fed", { "backbone.heads": 2 }],
    ["stored", { "backbone.name": "fmlp" }],
    ["stored", { "backbone.name": "bsarec", "backbone.filter": "circular", "training.targets": "last" }],
  ] as const)("scores a history as if it were alone, weights %s, %j", async (mode, settings) => {
    const set = Object.entries({
      "items.dim": 4,
      "training.rowLength": width,
      "training.maxLength": 6,
      ...settings,
    }).map(([path, value]) => ({ path, value }));
    const config = recipeConfig({ set });
    const params = trainStep(config, { items, rows: 1, width: rowWidth(config) }).params.initialize(1);
    for (const [name, { data }] of Object.entries(params))
      stream(2, name).fillNormal(data as Float32Array, 0.5); // far from uniform scores
    const scorer = await modelScorer({ config, items, params, mode, runtime: nodeRuntime, threads: 1 });
    const lists = fc.sample(histories, { seed: 7, numRuns: 5 }).flat();
    const together = await scorer.score(packed(lists, scorer.maxLength));
    expect(together).toHaveLength(lists.length * items);
    for (const [q, list] of lists.entries()) {
      const alone = await scorer.score(packed([list], scorer.maxLength));
      alone.forEach((score, i) => {
        expect(Math.abs(score - together[q * items + i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(score)));
      });
    }
    await scorer.dispose();
  });
});
