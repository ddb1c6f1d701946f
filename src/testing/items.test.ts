import { describe, expect, it } from "vitest";
import { imageTransformer, openedNetwork, textTransformer } from "../content/transformer.fixture.ts";
import { reachableNodes } from "../graph/graph.ts";
import type { ItemEncoder } from "../models/define.ts";
import { fusions, parts } from "../models/parts.ts";
import { recipeConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { checkItems } from "./check-items.ts";

const encoder = (name: string): ItemEncoder =>
  parts.items.find((part) => part.name === name) as unknown as ItemEncoder;
const settingsOf = (name: string, settings: object): unknown =>
  encoder(name).config.parse({ name, dim: 4, ...settings });

const found = [
  { field: "brand", kind: "category", values: ["a", "b"] },
  { field: "price", kind: "number", mean: 0, deviation: 1 },
];
const three = {
  parts: {
    id: { unseen: "none" },
    text: { columns: 6, hidden: 3, activation: "gelu" },
    image: { columns: 5, hidden: 0 },
    attributes: { most: 2, found },
  },
};
const two = { parts: { text: { columns: 6 }, image: { columns: 5 } } };
const networks = new Map([
  openedNetwork("text", textTransformer({ vocabulary: 5, width: 4, layers: 2 })),
  openedNetwork("image", imageTransformer({ side: 2, patch: 1, width: 4, layers: 2 })),
]);
const picture = { encoder: "image", width: 2, height: 2, pooling: "mean" };

const states = { textStates: 4, textWidth: 6, imageStates: 3, imageWidth: 5 };
const computed = {
  cached: false,
  textEncoder: "text",
  imageEncoder: "image",
  length: 2,
  width: 2,
  height: 2,
};

const apart: readonly (readonly [string, object])[] = [
  ...["full", "frozen", "adapter"].flatMap((mode) => [
    ["text-encoder", { encoder: "text", length: 2, mode, hidden: 3 }] as const,
    ["image-encoder", { ...picture, mode }] as const,
  ]),
  ["iisan", { ...states, bottleneck: 3 }],
  [
    "iisan",
    { ...states, bottleneck: 3, heads: "narrow", first: "start", textLayers: [0, 1, 2, 3], blocks: 3 },
  ],
  ["iisan", { ...states, bottleneck: 3, towers: "inter", gated: false }],
  ["iisan", { ...states, bottleneck: 3, towers: "intra" }],
  ["iisan", { ...computed, bottleneck: 3, textPooling: "cls" }],
  ["id", { unseen: "none" }],
  ["features", { columns: 6, hidden: 3, activation: "silu" }],
  ["features", { columns: 6, hidden: 0 }],
  ["features", { columns: 6, hidden: 3, activation: "silu", components: 2 }],
  ["attributes", { most: 2, found }],
  ["attributes", { most: 2, found: found.slice(0, 1) }],
  ["attributes", { most: 2, found, gates: "sigmoid" }],
  ["attributes", { most: 2, found, gates: "softmax" }],
  ...fusions.map(({ name: fusion }) => ["fused", { fusion, ...three }] as const),
  ...fusions.map(({ name: fusion }) => ["fused", { fusion, ...two }] as const),
  ...fusions.map(({ name: fusion }) => ["fused", { fusion, parts: { text: { columns: 6 } } }] as const),
];

describe.each(apart)("items %s %j", (name, settings) => {
  it("keep their laws", () => {
    const report = checkItems(encoder(name), settingsOf(name, settings), networks);
    expect(report.shape).toBe("[5, 4]");
    expect(report.strangers).toBe(0);
    expect(report.own).toBeGreaterThan(1e-6);
    expect(report.unknown).toBe(0);
    expect(report.slope).toBeLessThan(1e-7);
    expect(report.again).toBe(0);
    // The state of the sequential fusion skips what is missing, so nothing stands for it; softmax cancels a bias of keys.
    const skips = JSON.stringify(settings).includes("sequential");
    const said = (weight: string): boolean =>
      weight.endsWith("key.bias") || (skips && weight.endsWith("missing"));
    expect(report.idle.filter((weight) => !said(weight))).toEqual([]);
  });
});

describe("frozen features", () => {
  const losses = ["sampled-softmax", "cross-entropy"];
  it.each(losses)("have no backward graph with %s", (loss) => {
    const config = recipeConfig({
      config: {
        items: settingsOf("fused", three),
        loss: { name: loss, ...(loss === "cross-entropy" ? {} : { negatives: 7 }) },
      },
    });
    const { graph, gradients, fedRows } = trainStep(config, { items: 90, rows: 1, width: 64 });
    const rows = fedRows?.count ?? 90;
    expect(fedRows === null).toBe(loss === "cross-entropy");
    expect(gradients.map(({ param }) => param).filter((param) => graph.frozen.has(param))).toEqual([]);
    expect(gradients.map(({ param }) => param)).toContain("items.text.head.weight");
    // Nothing of the features' own shape is computed: neither a gradient of theirs nor a copy.
    const shapes = reachableNodes(graph).flatMap(({ outputs }) => outputs.map(({ shape }) => shape.join()));
    expect(shapes).not.toContain(`${rows},6`);
    expect(shapes).not.toContain(`${rows},5`);
    expect(shapes).toContain(`${rows},4`);
  });
});
