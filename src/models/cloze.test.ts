import { describe, expect, it } from "vitest";
import { emptyBatch, fillBatch, planEpoch } from "../data/batches.ts";
import { hiddenItem } from "../data/masks.ts";
import type { Graph } from "../graph/graph.ts";
import { writeOnnx } from "../onnx/write.ts";
import { historyFeeds } from "../retrieval/history-rows.ts";
import { rowLayout } from "../retrieval/model-scorer.ts";
import { evaluateReference, toNdArray } from "../runtime/reference.ts";
import { openSession } from "../runtime/session.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { historyLength } from "./config.ts";
import { recipeConfig } from "./recipes.ts";
import { scoreStep, servingStep, stateStep } from "./steps.ts";
import { trainStep } from "./train-step.ts";

const items = 11;
const size = { rows: 2, width: 8, predictions: 8 };
const configOf = (settings: Readonly<Record<string, unknown>> = {}) =>
  recipeConfig({
    recipe: "bert4rec",
    set: Object.entries({
      "items.dim": 8,
      "training.maxLength": 6,
      "training.rowLength": size.width,
      ...settings,
    }).map(([path, value]) => ({ path, value })),
  });
const config = configOf();

const step = trainStep(config, { items, ...size });
const weights = step.params.initialize(3);
for (const [name, { data }] of Object.entries(weights)) stream(2, name).fillNormal(data as Float32Array, 0.4);
const params = Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, toNdArray(t)]));
const histories = [[1, 4, 2], [7], [0, 3, 9, 10, 5], [8, 2]];

/** The outputs of a graph over histories. */
function outputs(
  graph: Graph,
  lists: readonly (readonly number[])[],
  given: Record<string, NdArray> = params,
) {
  const offsets = Int32Array.from([0, ...lists].map((_, q) => lists.slice(0, q).flat().length));
  const feeds = historyFeeds(rowLayout(config), { offsets, items: Int32Array.from(lists.flat()) });
  const arrays = Object.entries(feeds).map(([name, t]) => [name, toNdArray(t)] as const);
  const sizes = { R: feeds.item!.shape[0]!, Q: lists.length, V: items };
  return evaluateReference(graph, { ...given, ...Object.fromEntries(arrays) }, sizes);
}

/** Scores of histories: [Q, N]. */
const scores = (lists: readonly (readonly number[])[]): NdArray =>
  outputs(scoreStep(config, items), lists).scores!;

describe("a model of the cloze task", () => {
  it("scores a history as if it were alone, whatever else is in its row", () => {
    const together = scores(histories);
    histories.forEach((history, q) => {
      scores([history]).data.forEach((v, i) => {
        expect(v).toBeCloseTo(together.data[q * items + i]!, 10);
      });
    });
  });

  it("as a file of its own gives the same scores, with one item of a history less", async () => {
    const graph = servingStep(config, items);
    const length = historyLength(config);
    expect(graph.inputs.get("item")!.shape).toEqual(["B", 5]);
    for (const [name, param] of graph.params) param.data = weights[name]!;
    const session = await openSession(writeOnnx(graph), { item: "int32" }, { threads: 1 });
    const padded = histories.flatMap((h) => [...new Array<number>(length - h.length).fill(-1), ...h]);
    const item = { data: Int32Array.from(padded), shape: [histories.length, length] };
    const output = (await session.run({ item })).scores!.data as Float32Array;
    scores(histories).data.forEach((v, i) => {
      expect(Math.abs(output[i]! - v)).toBeLessThan(1e-4 * (1 + Math.abs(v)));
    });
    await session.release();
  });

  it("gives states whose products with the item vectors are the scores", () => {
    const { "items.id": vectors, ...rest } = params as { "items.id": NdArray };
    const { states } = outputs(stateStep(config, items), histories, { ...rest, vectors });
    const row = (x: NdArray, r: number): Float64Array => x.data.subarray(8 * r, 8 * r + 8) as Float64Array;
    const product = (x: Float64Array, y: Float64Array): number => x.reduce((t, v, c) => t + v * y[c]!, 0);
    scores(histories).data.forEach((score, k) => {
      const item = row(vectors, k % items);
      const cosine = product(row(states!, Math.floor(k / items)), item) / Math.sqrt(product(item, item));
      expect(cosine).toBeCloseTo(score, 8);
    });
  });

  it("has as many items as candidates as the catalogue: the hidden one is none", () => {
    expect(scores(histories).shape).toEqual([histories.length, items]);
    expect(params["task.mask"]!.shape).toEqual([8]);
    expect(params["items.id"]!.shape).toEqual([items, 8]);
  });
});

/** A batch whose places 0 to 4 are one history, of which place 2 is hidden. */
const batch = (change: Readonly<Record<number, number>> = {}): Record<string, NdArray> => {
  const item = [1, 4, hiddenItem, 5, 6, 3, 2, 0].map((v, k) => change[k] ?? v);
  const segment = [1, 1, 1, 1, 1, 2, 2, 0];
  const position = [4, 3, 2, 1, 0, 1, 0, 0];
  const twice = (row: readonly number[], shape: readonly number[]): NdArray => ({
    shape,
    data: Float64Array.from([...row, ...row.map(() => 0)]),
  });
  const kept = [...step.graph.randoms.keys()].map((name) => [
    name,
    ndarray(step.graph.inputs.get(name)!.shape as number[], 1),
  ]);
  return {
    ...params,
    ...Object.fromEntries(kept),
    item: twice(item, [2, 8]),
    segment: twice(segment, [2, 8]),
    position: twice(position, [2, 8]),
    place: ndarray([8], (t) => (t === 0 ? 2 : 0)),
    target: ndarray([8], (t) => (t === 0 ? 9 : 0)),
    weight: ndarray([8], (t) => Number(t === 0)),
  };
};

describe("a hidden item", () => {
  const lossOf = (change?: Readonly<Record<number, number>>): number =>
    evaluateReference(step.graph, batch(change)).loss!.data[0]!;

  it("is predicted from what is before and after it, and from no other history", () => {
    for (const own of [0, 1, 3, 4]) expect(Math.abs(lossOf({ [own]: 8 }) - lossOf())).toBeGreaterThan(1e-6);
    for (const other of [5, 6, 7]) expect(lossOf({ [other]: 8 })).toBe(lossOf());
  });

  it("gives no gradient to the item whose number fills its place", () => {
    const outputs = evaluateReference(step.graph, batch());
    const own = step.gradients.find(({ param }) => param === "items.id")!.rows;
    const reads = own.map(({ indices, gradient }) => ({
      index: outputs[indices]!.data,
      gradient: outputs[gradient]!.data,
    }));
    const input = reads.find(({ index }) => index.length === 16)!;
    expect([...input.gradient.subarray(2 * 8, 3 * 8)]).toEqual(new Array(8).fill(0));
    expect(input.gradient.subarray(0, 8).some((g) => g !== 0)).toBe(true);
    expect(outputs["d/task.mask"]!.data.some((g) => g !== 0)).toBe(true);
  });

  it("is asked for by backbones that see the past, too", () => {
    const causal = configOf({ "backbone.name": "sasrec" });
    const { graph } = trainStep(causal, { items, ...size });
    const masked = { share: 0.4, last: 0.5, predictions: 8 };
    const plan = planEpoch(
      { offsets: Int32Array.of(0, 4), sequence: Int32Array.of(1, 2, 3, 4) },
      { ...size, maxLength: 6, seed: 0, epoch: 1, masked },
    );
    expect(fillBatch(plan, 0, emptyBatch(plan.options))).toBeGreaterThan(0);
    expect(graph.inputs.has("place")).toBe(true);
  });
});

describe("settings that do not go together", () => {
  const refused = (recipe: string, settings: Readonly<Record<string, unknown>>) => () =>
    recipeConfig({ recipe, set: Object.entries(settings).map(([path, value]) => ({ path, value })) });

  it.each<readonly [string, Readonly<Record<string, unknown>>, string]>([
    [
      "sasrec",
      { "backbone.name": "bert4rec" },
      'backbone "bert4rec" sees all items of a history, those too which task "next-item" has it predict; set task.name to "cloze"',
    ],
    [
      "fmlp",
      { "task.name": "cloze" },
      'task "cloze" takes a backbone with packed rows, but backbone "fmlp" has padded ones; set task.name to "next-item"',
    ],
    [
      "hstu",
      { "task.name": "cloze", "backbone.times": "past" },
      'task "cloze" hides items and their times, but backbone "hstu" reads times; set backbone.times to "none"',
    ],
    [
      "bert4rec",
      { "training.targets": "last" },
      'training.targets "last" is for task "next-item"; task.share and task.last say which items task "cloze" hides',
    ],
    [
      "bert4rec",
      { "training.maxLength": 1 },
      'training.maxLength is 1, but task "cloze" hides one item beside another; set it to at least 2',
    ],
  ])("are refused in one sentence: %s with %j", (recipe, settings, sentence) => {
    expect(refused(recipe, settings)).toThrow(sentence);
  });
});
