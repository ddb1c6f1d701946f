import { describe, expect, it } from "vitest";
import { imageTransformer, openedNetwork, textTransformer } from "../../content/transformer.fixture.ts";
import { Graph, reachableNodes } from "../../graph/graph.ts";
import { Params } from "../../nn/params.ts";
import { evaluateReference, toNdArray } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { stream } from "../../tensor/random.ts";
import { f32 } from "../../tensor/spec.ts";
import { recipeConfig } from "../recipes.ts";
import { trainStep } from "../train-step.ts";
import { requireValue } from "./network.ts";
import { intraTower, keptLayers } from "./side-tower.ts";

const [vocabulary, length, side] = [20, 5, 4];
const networks = new Map([
  openedNetwork("text", textTransformer({ vocabulary, width: 8, layers: 4 })),
  openedNetwork("image", imageTransformer({ side, patch: 2, width: 6, layers: 2 })),
]);

const size = { items: 12, rows: 1, width: 8 };
const computed = {
  cached: false,
  textEncoder: "text",
  imageEncoder: "image",
  length,
  width: side,
  height: side,
};
const cached = { textStates: 5, textWidth: 8, imageStates: 3, imageWidth: 6 };

const random = stream(3, "iisan");
const ints = (shape: number[], below: number): NdArray => ndarray(shape, () => random.below(below));

/** Inputs of a step, and what the rows of items are made of. */
function world(rows: number) {
  const batch = {
    item: ints([1, 8], rows),
    position: ndarray([1, 8], (k) => 7 - k),
    segment: ndarray([1, 8], 1),
    target: ints([1, 8], rows),
    weight: ndarray([1, 8], 1),
    negatives: ints([4], rows),
    correction: ndarray([4], 0),
  };
  const tokens = ints([rows, length], vocabulary);
  const lengths = ndarray([rows, 1], (k) => k % (length + 1));
  const points = ints([rows, 3 * side * side], 256);
  const present = ndarray([rows, 1], (k) => Number(k % 5 !== 2));
  return { batch, tokens, lengths, points, present };
}

/** The states of a network, pooled over places by weight, row by row: [N, K·D]. */
function statesOf(
  name: string,
  inputs: Record<string, NdArray>,
  weights: NdArray,
  kept: readonly number[],
): NdArray {
  const network = networks.get(name)!;
  const graph = network.graph(
    Object.fromEntries(Object.entries(inputs).map(([port, { shape }]) => [port, shape])),
  );
  graph.outputs.clear();
  for (const k of kept) graph.output(`s${k}`, requireValue(graph, network.layers[k]!));
  const stored = [...graph.params].map(([port, { data }]) => [port, toNdArray(data!)] as const);
  const outputs = evaluateReference(graph, { ...Object.fromEntries(stored), ...inputs });
  const [rows, places] = weights.shape as [number, number];
  const width = outputs[`s${kept[0]!}`]!.shape[2]!;
  return ndarray([rows, kept.length * width], (at) => {
    const [row, k, c] = [
      Math.floor(at / (kept.length * width)),
      Math.floor(at / width) % kept.length,
      at % width,
    ];
    const { data } = outputs[`s${kept[k]!}`]!;
    let total = 0;
    for (let t = 0; t < places; t++)
      total += weights.data[row * places + t]! * data[(row * places + t) * width + c]!;
    return total;
  });
}

function traced(recipe: string, settings: object) {
  const config = recipeConfig({
    recipe,
    config: {
      items: { name: "iisan", dim: 4, bottleneck: 3, ...settings },
      loss: { negatives: 4, leaveOut: "none" },
      backbone: { dropout: 0 },
      training: { rowLength: 8, maxLength: 8 },
    },
  });
  return trainStep(config, size, networks);
}

describe("IISAN", () => {
  it.each(["iisan", "iisan-versa"])(
    "of recipe %s has the same losses and gradients cached and not",
    (recipe) => {
      const [own, other] = [traced(recipe, computed), traced(recipe, cached)];
      const rows = own.fedRows!.count;
      const { batch, tokens, lengths, points, present } = world(rows);
      const used = ndarray([rows, length], (at) => {
        const count = Math.max(1, lengths.data[Math.floor(at / length)]!);
        return at % length < count ? 1 / count : 0;
      });
      const mask = ndarray([rows, length], (at) => Math.ceil(used.data[at]!));
      const pixels = ndarray([rows, 3, side, side], (at) => (points.data[at]! - 128) / 128);
      const ofText = statesOf("text", { input_ids: tokens, attention_mask: mask }, used, [0, 4]);
      const ofImage = statesOf("image", { pixels }, ndarray([rows, 4], 1 / 4), [0, 2]);
      const weights = Object.fromEntries(
        Object.entries(own.params.initialize(1)).map(([name, t]) => [name, toNdArray(t)]),
      );
      const constants = [...own.graph.params].flatMap(([name, { data }]) =>
        data ? [[name, toNdArray(data)]] : [],
      );
      const uncached = evaluateReference(own.graph, {
        ...weights,
        ...batch,
        ...Object.fromEntries(constants),
        "items.text.tokens": tokens,
        "items.text.lengths": lengths,
        "items.image.points": points,
        "items.image.present": present,
      });
      const read = evaluateReference(other.graph, {
        ...weights,
        ...batch,
        "items.text.states": ofText,
        "items.text.present": ndarray([rows, 1], (k) => Math.min(1, lengths.data[k]!)),
        "items.image.states": ofImage,
        "items.image.present": present,
      });
      expect(Object.keys(read)).toEqual(Object.keys(uncached));
      for (const [name, { data }] of Object.entries(read)) {
        const most = data.reduce((largest, v) => Math.max(largest, Math.abs(v)), 1e-6);
        const apart = data.map((v, i) => Math.abs(v - uncached[name]!.data[i]!));
        expect(Math.max(...apart) / most).toBeLessThan(1e-9);
      }
    },
  );

  it("has no backward graph of its encoders: as many nodes as over states that are cached", () => {
    const backwardOf = (settings: object): number => {
      const { graph, gradients } = traced("iisan", settings);
      const forward = new Set(reachableNodes(graph, [graph.outputs.get("loss")!]));
      expect(gradients.some(({ param }) => param.includes("network"))).toBe(false);
      return reachableNodes(graph).filter((node) => !forward.has(node)).length;
    };
    expect(backwardOf(computed)).toBe(backwardOf(cached));
  });

  it("weighs the states of a tower by halves at the start", () => {
    const graph = new Graph();
    const p = new Params(graph);
    const states = [0, 1, 2].map((k) => graph.input(`h${k}`, f32(2, 4)));
    graph.output("s", intraTower(p, states, { bottleneck: 3, gated: true, first: "block" }));
    const h = states.map((_, k) => ndarray([2, 4], (i) => Math.sin(7 * k + i)));
    const zeros = [...graph.params].map(
      ([name, { value }]) => [name, ndarray(value.shape as number[], 0)] as const,
    );
    const feeds = { ...Object.fromEntries(zeros), h0: h[0]!, h1: h[1]!, h2: h[2]! };
    const { s } = evaluateReference(graph, feeds);
    s!.data.forEach((v, i) => {
      expect(v).toBeCloseTo(h[0]!.data[i]! / 8 + h[1]!.data[i]! / 4 + h[2]!.data[i]! / 2, 12);
    });
  });

  it("drops layers in groups, evenly and up to the last", () => {
    expect(keptLayers(13, 7)).toEqual([0, 2, 4, 6, 8, 10, 12]);
    expect(keptLayers(25, 7)).toEqual([0, 4, 8, 12, 16, 20, 24]);
    expect(keptLayers(5, 2)).toEqual([0, 4]);
    expect(keptLayers(3, 9)).toEqual([0, 1, 2]);
  });

  it("aligns widths, and pairs the topmost states of a deeper encoder", () => {
    const { params } = traced("iisan-versa", { ...cached, textLayers: [0, 1, 3, 4], imageLayers: [0, 2] });
    const shapes = new Map([...params.graph.params].map(([name, { value }]) => [name, value.shape]));
    const names = [...shapes.keys()];
    expect(names.filter((name) => /text\.tower\.block\d\.gate/.test(name))).toHaveLength(4);
    expect(names.filter((name) => /image\.tower\.block\d\.gate/.test(name))).toHaveLength(2);
    expect(names.filter((name) => /between\.tower\.block\d\.gate/.test(name))).toHaveLength(2);
    expect(shapes.get("items.between.tower.block0.align.weight")).toEqual([8, 6]);
    expect(shapes.get("items.between.tower.block1.down.weight")).toEqual([6, 3]);
    expect(shapes.get("items.text.head.inner.weight")).toEqual([8, 4]);
  });

  it.each([
    [
      { ...cached, textLayers: [0, 5] },
      "items.textLayers: 0, 5 are not such states as can be read; the encoder has 5",
    ],
    [{ ...cached, imageLayers: [0], first: "start" }, "items.imageLayers: 0 are not such states"],
  ])("says what is wrong with %j", (settings, message) => {
    expect(() => traced("iisan", settings)).toThrow(message);
  });
});
