import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../data/dataset.ts";
import { openFeatures, writeFeatures } from "../data/features.ts";
import { importInteractions } from "../data/import.ts";
import { readTensors } from "../data/tensors.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { evaluationTable } from "../evaluation/result.ts";
import { type OpenRun, openRun } from "../evaluation/run-folder.ts";
import type { ModelConfig } from "../models/config.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openSession } from "../runtime/session.ts";
import { stream } from "../tensor/random.ts";
import { type NewItem, openNewItems, type TrainedItems } from "./new-items.ts";
import { openScorer } from "./open-scorer.ts";
import { type TrainOptions, train } from "./train.ts";

/** Item (i + 1) mod 30 always follows item i; features are noise of width 12, and item 4 has none. */
const cycle = 30;
let folder = "";
let data = "";

type Settings = NonNullable<TrainOptions["set"]>;

const set = (epochs: number, more: Readonly<Record<string, unknown>> = {}): Settings =>
  Object.entries({
    "items.dim": 16,
    "items.parts.text.hidden": 20,
    "loss.negatives": cycle,
    "training.maxLength": 10,
    "training.rowLength": 16,
    "training.batchTokens": 128,
    "training.learningRate": 0.01,
    "training.threads": 1,
    "training.epochs": epochs,
    "training.patience": 40,
    "backbone.dropout": 0.1,
    ...more,
  }).map(([path, value]) => ({ path, value }));

const encode = async (name: string, seed = 1): Promise<void> => {
  const dataset = await openDataset(data);
  const values = new Float32Array(cycle * 12);
  stream(seed, name).fillNormal(values);
  values.fill(0, 4 * 12, 5 * 12);
  const present = Uint8Array.from({ length: cycle }, (_, item) => Number(item !== 4));
  await writeFeatures(dataset, name, { dim: 12, values, present, source: {} });
};

const trained = ({ directory, manifest, items }: OpenRun): TrainedItems => ({
  directory,
  recipe: manifest.recipe,
  config: manifest.config as unknown as ModelConfig,
  counts: Int32Array.from(items, ({ count }) => count),
});

const idTable = async (run: string): Promise<Float32Array> =>
  (await readTensors(join(run, "weights.safetensors"))).tensors["items.id.id"]!.data as Float32Array;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-content-"));
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 120; user++) {
    for (let k = 0; k < 8; k++) lines.push(`u${user},item ${(user * 7 + k) % cycle},${k}`);
  }
  await writeFile(join(folder, "log.csv"), `${lines.join("\n")}\n`);
  const colours = ["red", "blue", "green"];
  const items = Array.from({ length: cycle }, (_, k) =>
    JSON.stringify({ item_id: `item ${k}`, colour: [colours[k % 3], colours[k % 2]], price: k }),
  );
  await writeFile(join(folder, "items.jsonl"), items.join("\n"));
  data = join(folder, "data");
  const files = { interactions: join(folder, "log.csv"), items: join(folder, "items.jsonl") };
  await importInteractions({ ...files, out: data });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("training with content", () => {
  it.each(["sasrec-text", "sasrec-multimodal", "mmsr"])(
    "says before any work what %s lacks",
    async (recipe) => {
      const out = join(folder, "lacks");
      await expect(train({ data, out, recipe })).rejects.toThrow(
        `${data}: the model needs a feature table "text", which the data does not have; make it first with "sequitur encode --data ${data} --text title"`,
      );
      await expect(readFile(out)).rejects.toThrow("ENOENT");
    },
  );

  it("learns, and leaves a run that needs no features any more", async () => {
    await encode("text");
    const out = join(folder, "learns");
    // The exported graph is the model without its prior.
    const alone = { "scoring.prior": "none", "scoring.neighbourWeight": 0 };
    await train({ data, out, recipe: "sasrec-text", set: set(30, alone) });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.metrics["HR@10"]).toBe(1);
    expect(evaluation.metrics["NDCG@10"]).toBeGreaterThan(0.9);
    const run = await openRun(out);
    expect(Object.keys(run.manifest.features!)).toEqual(["text"]);
    expect(run.manifest.files["item-vectors.safetensors"]).toBeDefined();
    await rename(join(data, "features"), join(folder, "away"));
    try {
      const scorer = await openScorer(run);
      const histories = { offsets: Int32Array.of(0, 2, 3), items: Int32Array.of(3, 4, 9) };
      const scores = await scorer.score(histories);
      await scorer.dispose();
      const bytes = await readFile(join(out, "model.onnx"));
      const session = await openSession(bytes, { item: "int32" }, { threads: 1 });
      const item = new Int32Array(20).fill(-1);
      item.set([3, 4], 8);
      item.set([9], 19);
      const exported = await session.run({ item: { data: item, shape: [2, 10] } });
      await session.release();
      exported.scores!.data.forEach((score, k) => {
        expect(score).toBeCloseTo(scores[k]!, 4);
      });
    } finally {
      await rename(join(folder, "away"), join(data, "features"));
    }
    const { tensors } = await readTensors(join(out, "weights.safetensors"));
    expect(Object.keys(tensors)).toContain("items.text.center");
    expect(Object.keys(tensors)).not.toContain("items.text.values");
  });

  it.each([0, 3])("gives new items vectors from their content alone (components %i)", async (components) => {
    const out = join(folder, `text-only-${components}`);
    const only = { "items.parts.id": null, "items.parts.text.components": components };
    await train({ data, out, recipe: "sasrec-text", set: set(2, only) });
    const run = await openRun(out);
    const table = await openFeatures(await openDataset(data), "text");
    const { tensors } = await readTensors(join(out, "item-vectors.safetensors"));
    const own = tensors["items.vectors"]!.data as Float32Array;
    const encoder = await openNewItems(trained(run), nodeRuntime);
    const rowOf = (item: number): Float32Array => table.values.subarray(12 * item, 12 * item + 12);
    const added = (features: NewItem["features"]): NewItem => ({
      item: { id: "new", fields: {} },
      features,
    });
    const many = Array.from({ length: 70 }, (_, k) => added({ text: rowOf(k % 3) }));
    const { vectors: made, known } = await encoder.encode([...many, added({})]);
    expect(encoder.tables).toEqual([{ table: "text", columns: 12 }]);
    expect([...known]).toEqual([...many.map(() => 1), 0]);
    for (let k = 0; k < 71; k++) {
      const like = k === 70 ? 4 : k % 3; // item 4 has no content either
      for (let c = 0; c < 16; c++) expect(made[16 * k + c]).toBeCloseTo(own[16 * like + c]!, 5);
    }
    await expect(encoder.encode([added({ text: new Float32Array(5) })])).rejects.toThrow(
      'item "new": features "text" must be 12 finite numbers, as in training; there are 5',
    );
    await encoder.dispose();
  });

  it("gives items that it knows other vectors for other content, with what it learned of their ids", async () => {
    const run = await openRun(join(folder, "learns"));
    const table = await openFeatures(await openDataset(data), "text");
    const rowOf = (item: number): Float32Array => table.values.subarray(12 * item, 12 * item + 12);
    const { tensors } = await readTensors(join(run.directory, "item-vectors.safetensors"));
    const own = tensors["items.vectors"]!.data as Float32Array;
    const encoder = await openNewItems(trained(run), nodeRuntime);
    const item = { id: "any", fields: {} };
    const { vectors: made } = await encoder.encode([
      { item, row: 3, features: { text: rowOf(3) } },
      { item, row: 3, features: { text: rowOf(9) } },
      { item, features: { text: rowOf(9) } },
    ]);
    const [same, other, unknown] = [0, 16, 32].map((at) => made.subarray(at, at + 16));
    const id = (await idTable(run.directory)).subarray(16 * 3, 16 * 4);
    for (let c = 0; c < 16; c++) {
      expect(same![c]).toBeCloseTo(own[16 * 3 + c]!, 5);
      expect(other![c]! - unknown![c]!).toBeCloseTo(id[c]!, 5);
    }
    await encoder.dispose();
  });

  it("learns from attributes beside ids and text", async () => {
    const out = join(folder, "attributes");
    const refused = set(1, { "items.parts.attributes": { fields: ["shape"] } });
    await expect(train({ data, out, recipe: "sasrec-text", set: refused })).rejects.toThrow(
      'the items have no field "shape" with values that several of them share',
    );
    await train({ data, out, recipe: "sasrec-text", set: set(20, { "items.parts.attributes": {} }) });
    const { config } = (await openRun(out)).manifest;
    const { attributes } = (config.items as { parts: Record<string, { found: unknown }> }).parts;
    expect(attributes!.found).toMatchObject([
      { field: "colour", kind: "category" },
      { field: "price", kind: "number" },
    ]);
    const { metrics } = await evaluateRun({ run: out, openScorer });
    expect(metrics["HR@10"]).toBeGreaterThan(0.9);
  });

  it("is resumed to the same bits, but not over other features", async () => {
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    const components = { "items.parts.text.components": 5 };
    const options = { data, recipe: "sasrec-text", seed: 3, set: set(3, components) };
    await train({ ...options, out: whole });
    let epochs = 0;
    const stop = (): void => {
      if (++epochs === 3) throw new Error("stopped");
    };
    const onProgress: TrainOptions["onProgress"] = ({ kind }) => (kind === "epoch" ? stop() : undefined);
    await expect(train({ ...options, out: parts, onProgress })).rejects.toThrow("stopped");
    await encode("text", 2);
    await expect(train({ ...options, out: parts, resume: true })).rejects.toThrow(
      "features were made anew since",
    );
    await encode("text", 1);
    await train({ ...options, out: parts, resume: true });
    for (const name of ["weights.safetensors", "item-vectors.safetensors", "model.onnx"])
      expect((await readFile(join(parts, name))).equals(await readFile(join(whole, name)))).toBe(true);
  });

  it("takes what modalities there are, and whole tables for the full softmax", async () => {
    await encode("image");
    const more = { "items.parts.image.hidden": 0, "loss.name": "cross-entropy" };
    const settings = set(3, more).filter(({ path }) => path !== "loss.negatives");
    for (const recipe of ["sasrec-multimodal", "mmsr"]) {
      await train({ data, out: join(folder, recipe), recipe, set: settings });
      const { parts } = (await openRun(join(folder, recipe))).manifest.config.items as { parts: object };
      expect(parts).toMatchObject({ text: { columns: 12 }, image: { columns: 12 } });
    }
  });

  it("keeps cold items from training, and reports them apart", async () => {
    const out = join(folder, "cold");
    const more = { "split.cold": 0.1, "split.coldSeed": 5 };
    await train({ data, out, recipe: "sasrec-text", set: set(4, more) });
    const evaluation = await evaluateRun({ run: out, openScorer });
    const { groups, users, metrics, baselines, protocol } = evaluation;
    expect(protocol.split).toEqual({ kind: "leave-one-out", cold: { share: 0.1, seed: 5 } });
    expect(groups!.warm.users + groups!.cold.users).toBe(users);
    expect(groups!.cold.users).toBe(12);
    for (const metric of ["HR@10", "NDCG@10"]) {
      for (const name of ["popularity", "content-neighbours"] as const) {
        const [all, warm, cold] = [baselines, groups!.warm.baselines, groups!.cold.baselines].map(
          (each) => each[name]![metric]!,
        );
        expect((warm! * groups!.warm.users + cold! * 12) / users).toBeCloseTo(all!, 9);
      }
      const shares = groups!.warm.metrics[metric]! * groups!.warm.users + groups!.cold.metrics[metric]! * 12;
      expect(shares / users).toBeCloseTo(metrics[metric]!, 9);
    }
    expect(evaluationTable(evaluation)).toContain("sasrec-text, cold");
    const cold = (await openRun(out)).items.filter(({ count }) => count === 0);
    expect(cold).toHaveLength(3);
    // Their id vectors, the same at the start as without training, were never touched.
    const untouched = join(folder, "untouched");
    await train({ data, out: untouched, recipe: "sasrec-text", set: set(1, more) });
    const [after, before] = [await idTable(out), await idTable(untouched)];
    const { items } = await openDataset(data);
    for (const { id } of cold) {
      const at = items.indexOf(id) * 16;
      expect(after.subarray(at, at + 16)).toEqual(before.subarray(at, at + 16));
    }
    expect(after).not.toEqual(before);
  });

  it("does not let the full softmax learn from cold items either", async () => {
    const out = join(folder, "cold-full");
    const more = { "split.cold": 0.1, "split.coldSeed": 5, "items.start": "noise", "items.dim": 16 };
    const own = set(2, more).filter(({ path }) => !/^(loss|items\.parts)/.test(path));
    await train({ data, out, recipe: "sasrec", set: own });
    await train({
      data,
      out: `${out}-1`,
      recipe: "sasrec",
      set: [...own, { path: "training.epochs", value: 1 }],
    });
    const table = async (run: string): Promise<Float32Array> =>
      (await readTensors(join(run, "weights.safetensors"))).tensors["items.id"]!.data as Float32Array;
    const [after, before] = [await table(out), await table(`${out}-1`)];
    const same = Array.from({ length: cycle }, (_, i) => i).filter((i) =>
      after.subarray(16 * i, 16 * i + 16).every((v, c) => v === before[16 * i + c]),
    );
    expect(same).toHaveLength(3);
    const { groups, baselines } = await evaluateRun({ run: out, openScorer });
    expect(groups!.cold.users).toBe(12);
    expect(baselines["content-neighbours"]).toBeDefined();
  });

  it.each([
    [{ "split.cold": 0.01 }, "split.cold: 0.01 of 30 items are 0; choose a share that leaves some"],
    [{ "items.parts.text.hiden": 3 }, 'no setting "items.parts.text.hiden"; the nearest is "hidden"'],
    [{ "items.parts.text.dropout": 2 }, 'setting "items.parts.text.dropout" cannot be 2'],
    [{ "items.parts.text.dim": 8 }, "items.parts.text.dim is 8, but items.dim is 16"],
    [{ "items.parts.text.name": "words" }, 'items.parts.text.name: there is no "words"'],
    [
      { "items.parts.picture": {} },
      'needs a feature table "picture", which the data does not have (it has "image", "text")',
    ],
    [{ "items.fusion": "plus" }, 'setting "items.fusion" cannot be "plus"'],
  ])("names what is wrong with %j", async (more, message) => {
    const out = join(folder, "wrong");
    await expect(train({ data, out, recipe: "sasrec-text", set: set(1, more) })).rejects.toThrow(message);
    await expect(readFile(out)).rejects.toThrow("ENOENT");
  });
});
