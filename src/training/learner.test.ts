import { describe, expect, it } from "vitest";
import { planEpoch } from "../data/batches.ts";
import { recipeConfig } from "../models/recipes.ts";
import { trainStep } from "../models/train-step.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { createLearner, type Weights } from "./learner.ts";
import { stepRows, stepShape } from "./step-size.ts";

const items = 60;
const size = { rows: 2, width: 8 };
// Items 40 to 59 are in no history; negatives may be any.
const offsets = Int32Array.from({ length: 21 }, (_, h) => 5 * h);
const sequence = Int32Array.from({ length: 100 }, (_, k) => (7 * k) % 40);
const sequences = { offsets, sequence };
const plan = planEpoch(sequences, { ...size, maxLength: 8, seed: 1, epoch: 1 });

const configOf = (settings: Readonly<Record<string, unknown>>) =>
  recipeConfig({
    set: Object.entries({
      "items.dim": 8,
      "items.start": "noise",
      "training.maxLength": 8,
      "training.rowLength": size.width,
      ...(settings["loss.name"] ? {} : { "loss.name": "sampled-softmax", "loss.negatives": 6 }),
      ...settings,
    }).map(([path, value]) => ({ path, value })),
  });

/** The weights after so many updates. */
async function learned(steps: number, settings: Readonly<Record<string, unknown>> = {}): Promise<Weights> {
  const config = configOf(settings);
  const options = { config, items, sequences, rows: size.rows, seed: 3, threads: 1, runtime: nodeRuntime };
  const learner = await createLearner(options);
  for (let step = 0; step < steps; step++) await learner.update(plan, step % plan.steps, 0.01);
  await learner.dispose();
  return learner.weights;
}

/** Items whose vector differs. */
function changed(a: Weights, b: Weights): number[] {
  const [x, y] = [a, b].map((w) => w.params["items.id"]!.data);
  return Array.from({ length: items }, (_, i) => i).filter((i) =>
    x!.subarray(8 * i, 8 * i + 8).some((v, c) => v !== y![8 * i + c]),
  );
}

describe("a step that reads rows of the item table", () => {
  it("is fed those rows alone", () => {
    const options = { items: 1_000_000, ...size };
    const { graph, fedRows, params } = trainStep(configOf({}), options);
    expect(fedRows).toEqual({ tables: ["items.id"], count: 2 * 16 + 6 });
    expect(graph.params.get("items.id")!.value.shape).toEqual([38, 8]);
    expect(params.graph.params.get("items.id")!.value.shape).toEqual([1_000_000, 8]);
    expect(trainStep(configOf({}), { ...options, items: 11 }).fedRows!.count).toBe(11);
    expect(trainStep(configOf({ "training.updates": "all" }), options).fedRows).toBeNull();
    expect(trainStep(configOf({ "loss.name": "cross-entropy" }), options).fedRows).toBeNull();
  });

  it.each(["tied", "separate"])("gives without memory what whole tables give, %s", async (output) => {
    const optimizer = { "optimizer.beta1": 0, "optimizer.beta2": 0, "optimizer.epsilon": 0.01 };
    const forgetful = { ...optimizer, "scoring.output": output };
    const [read, all] = [
      await learned(6, forgetful),
      await learned(6, { ...forgetful, "training.updates": "all" }),
    ];
    for (const [name, { data }] of Object.entries(all.params)) {
      data.forEach((v, i) => {
        expect(read.params[name]!.data[i]).toBeCloseTo(v as number, 5);
      });
    }
  });

  it("changes the first time what an update of the whole table changes, and nothing else", async () => {
    const start = await learned(0);
    const [read, all] = [await learned(1), await learned(1, { "training.updates": "all" })];
    expect(changed(start, read)).toEqual(changed(start, all));
    expect(changed(start, read).length).toBeLessThan(2 * 16 + 6);
    expect(changed(start, read).some((item) => item >= 40)).toBe(true);
  });

  it("leaves rows and their optimizer state alone until they are read", async () => {
    const [before, after] = [await learned(1), await learned(2)];
    const moved = new Set(changed(before, after));
    expect(moved.size).toBeLessThan(items);
    for (const slot of ["m", "v"]) {
      const [x, y] = [before, after].map((w) => w.slots[slot]!["items.id"]!.data);
      for (let i = 0; i < items; i++) {
        if (!moved.has(i)) expect(y!.subarray(8 * i, 8 * i + 8)).toEqual(x!.subarray(8 * i, 8 * i + 8));
      }
    }
    // Updates of the whole table move what was read before, too: its mean gradient lives on.
    const settings = { "training.updates": "all" };
    expect(changed(await learned(1, settings), await learned(2, settings)).length).toBeGreaterThan(
      moved.size,
    );
  });
});

describe("a step that makes the vectors of the rows that it reads", () => {
  const settings = { "training.updates": "all", "optimizer.decay": 0.01 };

  /** The item table after three updates from weights that are given. */
  async function table(
    own: Readonly<Record<string, unknown>>,
    from: Weights,
    name: string,
  ): Promise<number[]> {
    const config = configOf({ ...own, ...settings });
    expect(trainStep(config, { items, ...size }).fedRows?.tables).toEqual(own.items ? [name] : undefined);
    const renamed = (tensors: Weights["params"]): Weights["params"] =>
      Object.fromEntries(Object.entries(tensors).map(([k, t]) => [k === "items.id" ? name : k, t]));
    const slots = Object.fromEntries(Object.entries(from.slots).map(([slot, t]) => [slot, renamed(t)]));
    const weights = { ...from, params: renamed(from.params), slots };
    const options = { config, items, sequences, rows: size.rows, seed: 3, threads: 1, runtime: nodeRuntime };
    const learner = await createLearner(options, weights);
    for (let step = 0; step < 3; step++) await learner.update(plan, step % plan.steps, 0.01);
    await learner.dispose();
    return [...(learner.weights.params[name]!.data as Float32Array)];
  }

  it("updates the whole table where that is asked for, as a step that is fed all of it does", async () => {
    const fused = { items: { name: "fused", dim: 8, parts: { id: { start: "noise" } } } };
    const whole = await table({}, await learned(0, settings), "items.id");
    const fed = await table(fused, await learned(0, settings), "items.id.id");
    for (const [i, value] of whole.entries()) expect(fed[i]).toBeCloseTo(value, 5);
  });
});

describe("a step of hidden items", () => {
  /** The item table after six updates in the cloze task. */
  async function table(updates: string, loss: Readonly<Record<string, unknown>>): Promise<Float32Array> {
    const forgetful = { "optimizer.beta1": 0, "optimizer.beta2": 0, "optimizer.epsilon": 0.01 };
    const bert4rec = { "backbone.name": "bert4rec", "backbone.heads": 1, "task.name": "cloze" };
    const config = configOf({ ...bert4rec, ...forgetful, ...loss, "training.updates": updates });
    const options = { config, items, sequences, rows: size.rows, seed: 3, threads: 1, runtime: nodeRuntime };
    const learner = await createLearner(options);
    const hidden = planEpoch(sequences, { ...stepShape(config, size.rows, sequences), seed: 1, epoch: 1 });
    for (let step = 0; step < 6; step++) {
      const { loss: value, tokens } = await learner.update(hidden, step % hidden.steps, 0.01);
      expect(value).toBeGreaterThan(0);
      expect(tokens).toBeLessThan(size.rows * size.width);
    }
    await learner.dispose();
    return learner.weights.params["items.id"]!.data as Float32Array;
  }

  it.each([
    { "loss.name": "sampled-softmax", "loss.negatives": 6 },
    { "loss.name": "bce", "loss.each": "token" },
    { "loss.name": "cross-entropy" },
  ])("gives from the rows that it reads what the whole table gives, with %j", async (loss) => {
    const [read, all] = [await table("read", loss), await table("all", loss)];
    for (const [i, v] of all.entries()) expect(read[i]).toBeCloseTo(v, 5);
  });

  it("is fed as many rows as it has places, and those of its draws", () => {
    const config = configOf({ "backbone.name": "bert4rec", "task.name": "cloze" });
    expect(trainStep(config, { items: 1_000_000, ...size, predictions: 8 }).fedRows!.count).toBe(16 + 6);
  });
});

describe("a step of padded rows", () => {
  it("is fed no more rows than it has tokens", () => {
    const config = configOf({ "backbone.name": "fmlp", "training.batchTokens": 16 });
    const { fedRows } = trainStep(config, { items: 1_000_000, rows: 4, width: 8, predictions: 16 });
    expect(fedRows!.count).toBe(2 * 16 + 6);
  });

  it.each([
    [{ "backbone.name": "fmlp" }, 4],
    [{ "backbone.name": "fmlp", "loss.name": "cross-entropy" }, 4],
    [{ "backbone.name": "fmlp", "backbone.filter": "circular", "training.targets": "last" }, 16],
    [{ "backbone.name": "bsarec", "backbone.filter": "circular", "training.targets": "last" }, 16],
  ] as const)("learns with %j", async (settings, rows) => {
    const config = configOf({ "training.batchTokens": 16, ...settings });
    expect(stepRows(config, sequences)).toBe(rows);
    const padded = planEpoch(sequences, { ...stepShape(config, rows, sequences), seed: 1, epoch: 1 });
    const options = { config, items, sequences, rows, seed: 3, threads: 1, runtime: nodeRuntime };
    const learner = await createLearner(options);
    const losses: number[] = [];
    for (let step = 0; step < 40; step++)
      losses.push((await learner.update(padded, step % padded.steps, 0.01)).loss);
    await learner.dispose();
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(mean(losses.slice(-8))).toBeLessThan(mean(losses.slice(0, 8)));
  });
});

describe("every objective", () => {
  it.each([
    { name: "sce", negatives: 6 },
    { name: "sce", negatives: 6, from: "both", popularity: 0.5 },
    { name: "sampled-softmax", negatives: 6, each: "token", from: "batch" },
    { name: "sce", negatives: 6, leaveOut: "history" },
    { name: "sampled-softmax", negatives: 6, from: "both", leaveOut: "history" },
    { name: "sampled-softmax", negatives: 20, from: "targets" },
    { name: "bce" },
    { name: "bce", negatives: 4, from: "both", leaveOut: "history" },
    { name: "bpr", negatives: 4, from: "both" },
    { name: "gbce", negatives: 6 },
    { name: "bpr" },
    { name: "nce", negatives: 6 },
    { name: "ce-n", first: 20 },
    { name: "ce-eta" },
    { name: "cross-entropy", smoothing: 0.1 },
  ])("falls on the runtime with %j", async (loss) => {
    const config = configOf(Object.fromEntries(Object.entries(loss).map(([k, v]) => [`loss.${k}`, v])));
    const options = { config, items, sequences, rows: size.rows, seed: 3, threads: 1, runtime: nodeRuntime };
    const learner = await createLearner(options);
    const losses: number[] = [];
    for (let step = 0; step < 40; step++)
      losses.push((await learner.update(plan, step % plan.steps, 0.01)).loss);
    await learner.dispose();
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(mean(losses.slice(-8))).toBeLessThan(mean(losses.slice(0, 8)));
  });
});

describe("negatives without what a person has met", () => {
  const [width, catalogue] = [8, 12];
  const everything = {
    offsets: Int32Array.of(0, 30),
    sequence: Int32Array.from({ length: 30 }, (_, k) => k % catalogue), // most of it is cut from the batch
  };
  const epoch = planEpoch(everything, { rows: 1, width, maxLength: 8, seed: 1, epoch: 1 });

  it.each(["step", "token"])(
    "are none where the history holds all items, with draws for each %s",
    async (each) => {
      for (const leaveOut of ["history", "target"]) {
        const loss = {
          "loss.name": "sce",
          "loss.negatives": 12,
          "loss.each": each,
          "loss.leaveOut": leaveOut,
        };
        const options = { rows: 1, seed: 3, threads: 1, runtime: nodeRuntime };
        const learner = await createLearner({
          ...options,
          config: configOf(loss),
          items: catalogue,
          sequences: everything,
        });
        const { loss: value } = await learner.update(epoch, 0, 0.01);
        await learner.dispose();
        if (leaveOut === "history") expect(value).toBeCloseTo(0, 12);
        else expect(value).toBeGreaterThan(1);
      }
    },
  );
});
