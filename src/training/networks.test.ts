import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode } from "../content/encode.ts";
import { vocabulary, writeTinyEncoder } from "../content/tiny-encoder.fixture.ts";
import { imageTransformer, textTransformer } from "../content/transformer.fixture.ts";
import { openDataset } from "../data/dataset.ts";
import { importInteractions } from "../data/import.ts";
import { readTensors } from "../data/tensors.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openRun } from "../evaluation/run-folder.ts";
import type { ModelConfig } from "../models/config.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openNewItems } from "./new-items.ts";
import { openScorer } from "./open-scorer.ts";
import { type TrainOptions, train } from "./train.ts";

/** Item (i + 1) mod 24 always follows item i; what an item is called, and its picture, are its number in two words. */
const cycle = 24;
const words = ["red", "blue", "shoe", "hat", "中"];
let folder = "";
let data = "";
let text = "";
let image = "";

const set = (
  epochs: number,
  more: Readonly<Record<string, unknown>> = {},
): NonNullable<TrainOptions["set"]> =>
  Object.entries({
    "items.encoder": text,
    "items.dim": 16,
    "items.maxTokens": 6,
    "loss.negatives": 20,
    "training.maxLength": 10,
    "training.rowLength": 16,
    "training.batchTokens": 128,
    "training.learningRate": 0.01,
    "training.threads": 1,
    "training.epochs": epochs,
    "training.patience": 40,
    ...more,
  }).map(([path, value]) => ({ path, value }));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-networks-"));
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 120; user++)
    for (let k = 0; k < 8; k++) lines.push(`u${user},item ${(user * 7 + k) % cycle},${k}`);
  await writeFile(join(folder, "log.csv"), `${lines.join("\n")}\n`);
  const pictures = join(folder, "pictures");
  await mkdir(pictures);
  const items: string[] = [];
  for (let k = 0; k < cycle; k++) {
    const [low, high] = [k % 5, Math.floor(k / 5)];
    const title = k === 4 ? undefined : `${words[low]} ${words[high]}`;
    items.push(JSON.stringify({ item_id: `item ${k}`, title }));
    const background = { r: 50 * low, g: 50 * high, b: 0 };
    if (k !== 5)
      await sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .png()
        .toFile(join(pictures, `item ${k}.png`));
  }
  await writeFile(join(folder, "items.jsonl"), items.join("\n"));
  data = join(folder, "data");
  const files = { interactions: join(folder, "log.csv"), items: join(folder, "items.jsonl") };
  await importInteractions({ ...files, images: pictures, out: data });
  text = await writeTinyEncoder(
    join(folder, "text"),
    textTransformer({ vocabulary: vocabulary.length, width: 16, layers: 2 }),
  );
  image = join(folder, "image.onnx");
  await writeFile(image, imageTransformer({ side: 4, patch: 2, width: 8, layers: 2 }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const losses = async (run: string): Promise<number[]> =>
  (await readFile(join(run, "metrics.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { loss: number }).loss);

describe("training a pretrained network with the rest", () => {
  it("learns from texts alone, and leaves a run that reads new ones, and scores without the network", async () => {
    const out = join(folder, "full");
    await train({ data, out, recipe: "morec", set: set(15, { "items.rate": 0.2 }) });
    const run = await openRun(out);
    expect(Object.keys(run.manifest.networks!)).toEqual([text]);
    expect((run.manifest.config.items as { length: number }).length).toBe(4);
    const { tensors } = await readTensors(join(out, "weights.safetensors"));
    expect(Object.keys(tensors)).toContain("items.network.encoder.layer.0.attention.query.weight");
    expect(Object.keys(tensors)).not.toContain("items.tokens");
    const { directory, manifest, items } = run;
    const { recipe, networks } = manifest;
    const config = manifest.config as unknown as ModelConfig;
    const counts = Int32Array.from(items, ({ count }) => count);
    const given = { directory, recipe, config, counts, networks };
    const encoder = await openNewItems(given, nodeRuntime);
    const added = ["red blue", undefined].map((title) => ({
      item: { id: "new", ...(title && { title }), fields: {} },
      features: {},
    }));
    const { vectors: made, known } = await encoder.encode(added);
    expect([...known]).toEqual([1, 0]);
    await encoder.dispose();
    const ready = (await readTensors(join(out, "item-vectors.safetensors"))).tensors["items.vectors"]!.data;
    const own = (await readFile(join(out, "items.jsonl"), "utf8")).split("\n");
    for (const [k, item] of [
      [0, "item 5"],
      [1, "item 4"],
    ] as const) {
      const row = own.findIndex((line) => line.includes(`"${item}"`));
      for (let c = 0; c < 16; c++) expect(made[16 * k + c]).toBeCloseTo(ready[16 * row + c] as number, 4);
    }
    const other = { ...given, networks: { [text]: "0" } };
    await expect(openNewItems(other, nodeRuntime)).rejects.toThrow("this is not the network that");
    await rename(text, `${text}-away`);
    const { metrics } = await evaluateRun({ run: out, openScorer });
    await rename(`${text}-away`, text);
    expect(metrics["HR@10"]).toBeGreaterThan(0.9);
    expect(metrics["NDCG@10"]).toBeGreaterThan(0.5);
  });

  it.each(["frozen", "lora", "adapter", "top"])("does so in mode %s", async (mode) => {
    const out = join(folder, mode);
    await train({ data, out, recipe: "morec", set: set(4, { "items.mode": mode, "items.top": 1 }) });
    const each = await losses(out);
    expect(each.at(-1)).toBeLessThan(0.95 * each[0]!);
    const { tensors } = await readTensors(join(out, "weights.safetensors"));
    const own = Object.keys(tensors).filter((name) => name.startsWith("items.network."));
    expect(own.length > 0).toBe(mode !== "frozen");
    if (mode === "top") expect(own.every((name) => name.includes("encoder.layer.1."))).toBe(true);
    else expect(own.every((name) => /\.(lora|adapter)\./.test(name))).toBe(true);
  });

  it("learns from pictures, and from both beside ids", async () => {
    const only = { "items.name": "image-encoder", "items.encoder": image, "items.dim": 16 };
    const size = { "items.width": 4, "items.height": 4, "items.activation": "none" };
    const own = set(4, { ...only, ...size }).filter(({ path }) => path !== "items.maxTokens");
    const order = [...own].sort((a, b) => Number(b.path === "items.name") - Number(a.path === "items.name"));
    await train({ data, out: join(folder, "pictured"), recipe: "morec", set: order });
    const each = await losses(join(folder, "pictured"));
    expect(each.at(-1)).toBeLessThan(0.9 * each[0]!);
    const parts = {
      id: { unseen: "none" },
      words: { name: "text-encoder", encoder: text, mode: "lora", rank: 2 },
      picture: { name: "image-encoder", encoder: image, width: 4, height: 4, mode: "frozen" },
    };
    const config = {
      items: { name: "fused", dim: 16, parts },
      loss: { name: "sampled-softmax", negatives: 20 },
    };
    const rest = own.filter(({ path }) => path.startsWith("training."));
    await train({ data, out: join(folder, "both"), recipe: "sasrec", config, set: rest });
    expect(Object.keys((await openRun(join(folder, "both"))).manifest.networks!)).toEqual([text, image]);
  });

  it("learns beside frozen encoders from states that are cached or not, with the same losses", async () => {
    const dataset = await openDataset(data);
    const read = { columns: ["title"], encoder: text, maxTokens: 6, hiddenStates: true };
    const pictured = { encoder: image, hiddenStates: true };
    const [words, pictures] = await encode(dataset, { text: read, images: pictured });
    expect([words!.table, words!.dim, pictures!.table, pictures!.dim]).toEqual([
      "text-layers",
      3 * 16,
      "image-layers",
      3 * 8,
    ]);
    const own = set(3, { "items.bottleneck": 4 }).filter(({ path }) => !/encoder|maxTokens/.test(path));
    const [cached, computed] = [join(folder, "cached"), join(folder, "computed")];
    await train({ data, out: cached, recipe: "iisan", set: own });
    const names = {
      textEncoder: text,
      imageEncoder: image,
      width: 4,
      height: 4,
      maxTokens: 6,
      cached: false,
    };
    const more = Object.entries(names).map(([name, value]) => ({ path: `items.${name}`, value }));
    await train({ data, out: computed, recipe: "iisan", set: [...own, ...more] });
    const [a, b] = [await losses(cached), await losses(computed)];
    for (const [epoch, loss] of a.entries()) expect(Math.abs(loss - b[epoch]!) / loss).toBeLessThan(1e-5);
    expect(a.at(-1)).toBeLessThan(a[0]!);
    expect(Object.keys((await openRun(cached)).manifest.features!)).toEqual(["text-layers", "image-layers"]);
    const refused = train({
      data,
      out: join(folder, "wrong"),
      recipe: "iisan",
      set: [...own, { path: "items.textTable", value: "text" }],
    });
    await expect(refused).rejects.toThrow('the model needs a feature table "text"');
  });

  it("is resumed to the same bits, but not with another network", async () => {
    const [whole, parts] = [join(folder, "whole"), join(folder, "parts")];
    const options = { data, recipe: "morec", seed: 3, set: set(3) };
    await train({ ...options, out: whole });
    let epochs = 0;
    const onProgress: TrainOptions["onProgress"] = ({ kind }) => {
      if (kind === "epoch" && ++epochs === 2) throw new Error("stopped");
    };
    await expect(train({ ...options, out: parts, onProgress })).rejects.toThrow("stopped");
    const file = join(text, "onnx", "model.onnx");
    const before = await readFile(file);
    await writeFile(file, textTransformer({ vocabulary: vocabulary.length, width: 16, layers: 2, seed: 9 }));
    await expect(train({ ...options, out: parts, resume: true })).rejects.toThrow(
      "an encoder's file is another than when",
    );
    await writeFile(file, before);
    await train({ ...options, out: parts, resume: true });
    for (const name of ["weights.safetensors", "item-vectors.safetensors", "model.onnx"])
      expect((await readFile(join(parts, name))).equals(await readFile(join(whole, name)))).toBe(true);
  });

  it.each([
    [
      { "items.encoder": "" },
      'items "text-encoder" are made by a pretrained network; name its file or folder',
    ],
    [{ "items.encoder": "nowhere" }, "nowhere"],
    [{ "items.columns": ["plot"] }, 'no item has a field "plot" to read'],
    [{ "items.mode": "lora", "items.targets": ["*q_proj*"] }, 'lora: "*q_proj*" matches no weight'],
    [{ "items.mode": "top", "items.top": 5 }, "asks for more layers than there are: it has 2"],
    [{ "loss.negatives": 500 }, "loss.negatives is 500, but there are only 24 items"],
  ])("says before any work what is wrong with %j", async (more, message) => {
    const out = join(folder, "wrong");
    await expect(train({ data, out, recipe: "morec", set: set(1, more) })).rejects.toThrow(message);
    await expect(readFile(out)).rejects.toThrow("ENOENT");
  });
});
