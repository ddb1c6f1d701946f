import { describe, expect, it } from "vitest";
import { emptyBatch, fillBatch, planEpoch } from "../data/batches.ts";
import { reachableNodes } from "../graph/graph.ts";
import { writeOnnx } from "../onnx/write.ts";
import { packForScoring } from "../retrieval/history-rows.ts";
import { modelScorer } from "../retrieval/model-scorer.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { evaluateReference, toNdArray } from "../runtime/reference.ts";
import { openSession } from "../runtime/session.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { slopeError } from "../testing/check-parts.ts";
import { rowWidth } from "./config.ts";
import { parts } from "./parts.ts";
import { recipeConfig } from "./recipes.ts";
import { scoreStep, servingStep, stateStep, vectorStep } from "./steps.ts";
import { trainStep } from "./train-step.ts";

const config = recipeConfig({
  set: [
    { path: "items.dim", value: 8 },
    { path: "scoring.similarity", value: "dot" }, // small weights then mean a uniform guess
    { path: "backbone.heads", value: 2 },
    { path: "training.maxLength", value: 6 },
    { path: "training.rowLength", value: 8 },
  ],
});
const items = 11;
const histories = [[1, 4, 2], [7], [0, 3, 9, 10, 5, 6], [8, 2]];
const offsets = Int32Array.of(0, 3, 4, 10, 12);
const flat = Int32Array.from(histories.flat());

const step = trainStep(config, { items, rows: 2, width: 8 });
const weights = step.params.initialize(3);
const params = Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, toNdArray(t)]));

const grid = (data: ArrayLike<number>, shape: readonly number[]): NdArray => ({
  data: Float64Array.from(data),
  shape,
});

describe("the training step", () => {
  const plan = planEpoch({ offsets, sequence: flat }, { rows: 2, width: 8, maxLength: 6, seed: 0, epoch: 1 });
  const batch = emptyBatch({ rows: 2, width: 8 });
  fillBatch(plan, 0, batch);
  const inputs = Object.fromEntries(Object.entries(batch).map(([name, data]) => [name, grid(data, [2, 8])]));
  const masks = Object.fromEntries(
    [...step.graph.randoms.keys()].map((name) => [
      name,
      ndarray(step.graph.inputs.get(name)!.shape as number[], 1),
    ]),
  );

  it("starts at the loss of a uniform guess, ln N", () => {
    const { loss } = evaluateReference(step.graph, { ...params, ...inputs, ...masks });
    expect(loss!.data[0]).toBeCloseTo(Math.log(items), 1);
  });

  it("has the slope that differences of the loss show", () => {
    const only = trainStep(config, { items, rows: 2, width: 8 });
    for (const name of [...only.graph.outputs.keys()]) if (name !== "loss") only.graph.outputs.delete(name);
    expect(slopeError(only.graph, { ...params, ...inputs, ...masks }, "loss")).toBeLessThan(1e-7);
  });

  it.each(["dot", "cosine"])("adds no rows to a table inside the graph, with %s scores", (similarity) => {
    const recipe = recipeConfig({ set: [{ path: "scoring.similarity", value: similarity }] });
    const { graph, gradients } = trainStep(recipe, { items, rows: 2, width: 64 });
    expect(reachableNodes(graph).filter(({ op }) => op.name === "scatterAdd")).toEqual([]);
    expect(gradients.find(({ param }) => param === "items.id")!.rows).toHaveLength(2);
  });

  it("learns the same from the places that predict as from all places by weight", () => {
    const recipe = recipeConfig({
      recipe: "fmlp",
      set: Object.entries({ "items.dim": 8, "training.maxLength": 6 }).map(([path, value]) => ({
        path,
        value,
      })),
    });
    const size = { rows: 3, width: 6 };
    const padded = { predictions: 12, targets: "all" } as const;
    const options = { ...size, maxLength: 6, seed: 0, epoch: 1, padded };
    const filled = emptyBatch(options);
    fillBatch(planEpoch({ offsets, sequence: flat }, options), 0, filled);
    const [target, weight] = [new Int32Array(18), new Float32Array(18)];
    filled.weight.forEach((w, t) => {
      if (w === 0) return;
      target[filled.place![t]!] = filled.target[t]!;
      weight[filled.place![t]!] = 1;
    });
    const outputs = [12, undefined].map((predictions) => {
      const traced = trainStep(recipe, { items, ...size, ...(predictions && { predictions }) });
      const values = Object.entries(traced.params.initialize(3)).map(([k, t]) => [k, toNdArray(t)] as const);
      const kept = [...traced.graph.randoms.keys()].map((k) => [
        k,
        ndarray(traced.graph.inputs.get(k)!.shape as number[], 1),
      ]);
      return evaluateReference(traced.graph, {
        ...Object.fromEntries([...values, ...kept]),
        item: grid(filled.item, [3, 6]),
        segment: grid(filled.segment, [3, 6]),
        ...(predictions
          ? { place: grid(filled.place!, [12]), target: grid(filled.target, [12]) }
          : { target: grid(target, [3, 6]) }),
        weight: predictions ? grid(filled.weight, [12]) : grid(weight, [3, 6]),
      });
    });
    const dense = Object.keys(outputs[0]!).filter((name) => name === "loss" || name.startsWith("d/backbone"));
    expect(dense.length).toBeGreaterThan(10);
    for (const name of dense)
      outputs[0]![name]!.data.forEach((v, i) => {
        expect(v).toBeCloseTo(outputs[1]![name]!.data[i]!, 12);
      });
  });

  it.each(parts.backbone.map(({ name }) => name))(
    "has the same gradients when %s is rematerialised",
    (name) => {
      const traced = [false, true].map((rematerialize) => {
        const task = name === "bert4rec" ? { "task.name": "cloze" } : {};
        const set = {
          "items.dim": 8,
          "backbone.name": name,
          "training.rematerialize": rematerialize,
          ...task,
        };
        const recipe = recipeConfig({ set: Object.entries(set).map(([path, value]) => ({ path, value })) });
        const { graph, params: declared } = trainStep(recipe, { items, rows: 2, width: 8 });
        const values = Object.entries(declared.initialize(3)).map(([k, t]) => [k, toNdArray(t)] as const);
        const kept = [...graph.randoms.keys()].map((k) => [
          k,
          ndarray(graph.inputs.get(k)!.shape as number[], 1),
        ]);
        const feeds = { ...inputs, ...Object.fromEntries(values), ...Object.fromEntries(kept) };
        return { nodes: reachableNodes(graph).length, outputs: evaluateReference(graph, feeds) };
      });
      const [plain, again] = [traced[0]!, traced[1]!];
      expect(again.nodes).toBeGreaterThan(plain.nodes);
      for (const [output, { data }] of Object.entries(plain.outputs))
        expect(again.outputs[output]!.data).toEqual(data);
    },
  );

  it("declares one dropout mask for each place, by name", () => {
    expect([...step.graph.randoms.keys()]).toEqual([
      "mask.input",
      "mask.block0.attention",
      "mask.block0.seen",
      "mask.block0.hidden",
      "mask.block0.mlp",
      "mask.block1.attention",
      "mask.block1.seen",
      "mask.block1.hidden",
      "mask.block1.mlp",
    ]);
  });
});

describe("scores", () => {
  const packed = packForScoring({ offsets, items: flat }, 8);
  const inputs = {
    item: grid(packed.item, [packed.rows, 8]),
    position: grid(packed.position, [packed.rows, 8]),
    segment: grid(packed.segment, [packed.rows, 8]),
    last: grid(packed.last, [4]),
  };
  const scores = evaluateReference(
    scoreStep(config, items),
    { ...params, ...inputs },
    { R: packed.rows, Q: 4 },
  ).scores!;

  it("of packed histories are those of each history alone", () => {
    histories.forEach((history, q) => {
      const one = packForScoring(
        { offsets: Int32Array.of(0, history.length), items: Int32Array.from(history) },
        8,
      );
      const feeds = {
        item: grid(one.item, [1, 8]),
        position: grid(one.position, [1, 8]),
        segment: grid(one.segment, [1, 8]),
        last: grid(one.last, [1]),
      };
      const alone = evaluateReference(scoreStep(config, items), { ...params, ...feeds }, { R: 1, Q: 1 })
        .scores!;
      alone.data.forEach((v, i) => {
        expect(v).toBeCloseTo(scores.data[q * items + i]!, 12);
      });
    });
  });

  it.each(["dot", "cosine"])("are inner products of states and item vectors, %s", (similarity) => {
    const recipe = { ...config, scoring: { ...config.scoring, similarity } } as typeof config;
    const whole = evaluateReference(
      scoreStep(recipe, items),
      { ...params, ...inputs },
      { R: packed.rows, Q: 4 },
    );
    const { vectors } = evaluateReference(vectorStep(recipe, items), { "items.id": params["items.id"]! });
    const { "items.id": _, ...others } = params;
    const bound = { R: packed.rows, Q: 4, V: items };
    const { states } = evaluateReference(
      stateStep(recipe, items),
      { ...others, ...inputs, vectors: vectors! },
      bound,
    );
    for (let q = 0; q < 4; q++)
      for (let i = 0; i < items; i++) {
        const row = vectors!.data.subarray(i * 8, i * 8 + 8);
        const length = similarity === "dot" ? 1 : Math.hypot(...row);
        const product = row.reduce((sum, v, c) => sum + v * states!.data[q * 8 + c]!, 0);
        expect(product / length).toBeCloseTo(whole.scores!.data[q * items + i]!, 8);
      }
  });

  it.each(["fmlp", "bsarec"])("of the deployable %s are those of its rows", async (name) => {
    const set = { "items.dim": 8, "training.maxLength": 6, "training.rowLength": 8 };
    const recipe = recipeConfig({
      recipe: name,
      set: Object.entries(set).map(([path, value]) => ({ path, value })),
    });
    const values = trainStep(recipe, { items, rows: 1, width: rowWidth(recipe) }).params.initialize(3);
    const options = { config: recipe, items, params: values, runtime: nodeRuntime, threads: 1 };
    const scorer = await modelScorer({ ...options, mode: "fed" });
    const expected = await scorer.score({ offsets, items: flat });
    await scorer.dispose();
    const graph = servingStep(recipe, items);
    for (const [param, declared] of graph.params) declared.data = values[param]!;
    const session = await openSession(writeOnnx(graph), { item: "int32" }, { threads: 1 });
    const padded = histories.flatMap((h) => [...new Array<number>(6 - h.length).fill(-1), ...h]);
    const output = await session.run({ item: { data: Int32Array.from(padded), shape: [4, 6] } });
    (output.scores!.data as Float32Array).forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i]!, 4);
    });
    await session.release();
  });

  it("of the deployable model are the same, for any number of rows", async () => {
    const graph = servingStep(config, items);
    for (const [name, param] of graph.params) param.data = weights[name]!;
    const session = await openSession(writeOnnx(graph), { item: "int32" }, { threads: 1 });
    const padded = histories.map((h) => [...new Array<number>(6 - h.length).fill(-1), ...h]);
    for (const rows of [padded, padded.slice(1, 2)]) {
      const output = await session.run({
        item: { data: Int32Array.from(rows.flat()), shape: [rows.length, 6] },
      });
      const first = rows.length === 1 ? items : 0;
      (output.scores!.data as Float32Array).forEach((v, i) => {
        expect(v).toBeCloseTo(scores.data[first + i]!, 5);
      });
    }
    await session.release();
  });
});
