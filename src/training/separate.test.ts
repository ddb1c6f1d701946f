import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { readTensors } from "../data/tensors.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openRun } from "../evaluation/run-folder.ts";
import { type ModelConfig, resolveModelConfig } from "../models/config.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { openSession } from "../runtime/session.ts";
import { importFilms, trainFilms } from "../serving/testing/film-run.ts";
import type { Tensor } from "../tensor/spec.ts";
import { openNewItems } from "./new-items.ts";
import { openRetriever } from "./open-retriever.ts";
import { openScorer } from "./open-scorer.ts";

const separate = {
  "scoring.output": "separate",
  "scoring.prior": "none",
  "scoring.neighbourWeight": 0,
  "training.epochs": 12,
};
const [dim, items] = [16, 30];

let [folder, data] = ["", ""];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-separate-"));
  data = await importFilms(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tensorsOf = async (run: string, file: string): Promise<Record<string, Tensor>> =>
  (await readTensors(join(run, file))).tensors;

describe.each([
  ["ids", { recipe: "sequitur-id", set: separate }],
  ["ids and texts", { recipe: "sasrec-text", set: { ...separate, "loss.negatives": 30 } }],
])("a run with separate output vectors of %s", (name, { recipe, set }) => {
  const out = (): string => join(folder, name);

  it("learns both, and is evaluated", async () => {
    await trainFilms({ data, out: out(), recipe, set });
    const { metrics } = await evaluateRun({ run: out(), openScorer });
    expect(metrics["HR@10"]).toBeGreaterThan(0.8);
    const weights = await tensorsOf(out(), "weights.safetensors");
    const own = Object.keys(weights).filter((each) => /^items\..*(id|weight)$/.test(each));
    expect(own.length).toBeGreaterThan(0);
    for (const each of own)
      expect(weights[each.replace(/^items/, "output")]!.data, each).not.toEqual(weights[each]!.data);
  });

  it("recommends and exports what evaluation scores", async () => {
    const run = await openRun(out());
    const scorer = await openScorer(run);
    const history = Int32Array.of(3, 4);
    const scores = await scorer.score({ offsets: Int32Array.of(0, 2), items: history });
    await scorer.dispose();
    const retriever = await openRetriever(run);
    const [found] = await retriever.retrieve([{ history, k: 10, excluded: Int32Array.of() }]);
    await retriever.dispose();
    const best = Array.from(scores, (_, row) => row).sort((a, b) => scores[b]! - scores[a]!);
    expect([...found!.rows]).toEqual(best.slice(0, 10));
    const session = await openSession(
      await readFile(join(out(), "model.onnx")),
      { item: "int32" },
      { threads: 1 },
    );
    const item = { data: Int32Array.of(-1, -1, -1, -1, -1, -1, 3, 4), shape: [1, 8] };
    const exported = await session.run({ item });
    await session.release();
    for (const [row, score] of scores.entries()) expect(exported.scores!.data[row]).toBeCloseTo(score, 4);
  });
});

describe("the start of such a run", () => {
  it("is for both what items are met with", async () => {
    const out = join(folder, "start");
    await trainFilms({ data, out, recipe: "sequitur-id", set: { ...separate, "training.epochs": 0 } });
    const weights = await tensorsOf(out, "weights.safetensors");
    const [a, b] = ["items.id", "output.id"].map((each) => [...(weights[each]!.data as Float32Array)]);
    const product = a!.reduce((sum, v, i) => sum + v * b![i]!, 0);
    expect(product / Math.hypot(...a!) / Math.hypot(...b!)).toBeGreaterThan(0.9);
  });
});

describe("items that come to such a run later", () => {
  it("have both vectors by their content, such as the run's own", async () => {
    const out = join(folder, "texts");
    const set = { ...separate, "loss.negatives": 30, "items.parts.id": null };
    await trainFilms({ data, out, recipe: "sasrec-text", set });
    const { directory, manifest, items: list } = await openRun(out);
    const config: ModelConfig = resolveModelConfig(manifest.config);
    const counts = Int32Array.from(list, ({ count }) => count);
    const encoder = await openNewItems({ directory, recipe: manifest.recipe, config, counts }, nodeRuntime);
    const { values } = await openFeatures(await openDataset(data), "text");
    const features = { text: values.subarray(12 * 7, 12 * 8) };
    const { vectors } = await encoder.encode([{ item: { id: "new", fields: {} }, features }]);
    await encoder.dispose();
    const kept = (await tensorsOf(out, "item-vectors.safetensors"))["items.vectors"]!;
    expect(kept.shape).toEqual([items, 2 * dim]);
    expect(vectors.length).toBe(2 * dim);
    for (let c = 0; c < 2 * dim; c++) expect(vectors[c]).toBeCloseTo(kept.data[2 * dim * 7 + c] as number, 5);

    const retriever = await openRetriever(await openRun(out));
    expect(await retriever.put(items, { vector: vectors })).toBe(true);
    const ask = { k: items + 1, excluded: Int32Array.of() };
    const [one, other, its] = await retriever.retrieve([
      { ...ask, history: Int32Array.of(3, 7) },
      { ...ask, history: Int32Array.of(3, items) },
      { ...ask, history: Int32Array.of(2, 4) },
    ]);
    // As the last of a history and as what is recommended it counts as its like does.
    one!.rows.forEach((row, k) => {
      const place = other!.rows.indexOf(row);
      expect(other!.scores[place]).toBeCloseTo(one!.scores[k]!, 4);
    });
    const [mine, like] = [items, 7].map((row) => its!.scores[its!.rows.indexOf(row)]!);
    expect(mine).toBeCloseTo(like!, 4);
    await expect(retriever.put(items + 1, { vector: vectors.slice(0, dim) })).rejects.toThrow();
    await retriever.dispose();
  });
});
