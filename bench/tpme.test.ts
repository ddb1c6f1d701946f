import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tpmeTables } from "../scripts/tpme-tables.ts";
import { layerNames } from "../src/content/layer-names.ts";
import { vocabulary, writeTinyEncoder } from "../src/content/tiny-encoder.fixture.ts";
import { imageTransformer, textTransformer } from "../src/content/transformer.fixture.ts";
import { importInteractions } from "../src/data/import.ts";
import { inspectOnnx } from "../src/onnx/inspect.ts";
import { readOnnx } from "../src/onnx/read.ts";
import { measure, type TpmeRow } from "./tpme-case.ts";
import { posterEncoder } from "./tpme-encoders.ts";
import { readWords } from "./tpme-language.ts";
import { type Encoders, type Way, ways } from "./tpme-models.ts";
import { encodeAll } from "./tpme-prepare.ts";
import { barsOf, lossesApart, tpme } from "./tpme-score.ts";

describe("TPME", () => {
  it("is 0 for the least in everything, 1 for the most, and what is in between by hand", () => {
    const costs = [
      { seconds: 100, parameters: 1000, megabytes: 4000 },
      { seconds: 20, parameters: 0, megabytes: 1000 },
      { seconds: 60, parameters: 500, megabytes: 1600 },
    ];
    const [most, least, between] = tpme(costs);
    expect([most, least]).toEqual([1, 0]);
    // .45 · 40/80 + .10 · 500/1000 + .45 · 600/3000.
    expect(between).toBeCloseTo(0.225 + 0.05 + 0.09, 12);
  });

  it("counts nothing where all are the same, and changes with those beside", () => {
    const alone = { seconds: 3, parameters: 7, megabytes: 9 };
    expect(tpme([alone])).toEqual([0]);
    expect(tpme([alone, { ...alone, parameters: 8 }])).toEqual([0, 0.1]);
    expect(tpme([])).toEqual([]);
  });

  it("has bars for time, memory and quality", () => {
    const cached = { seconds: 2, parameters: 1, megabytes: 300 };
    const full = { seconds: 20, parameters: 9, megabytes: 1499 };
    const kept = (difference: number, p: number): boolean[] =>
      barsOf({ cached, full, difference, p }).map((bar) => bar.kept);
    expect(kept(-0.01, 0.2)).toEqual([true, false, true]);
    expect(kept(-0.01, 0.01)).toEqual([true, false, false]);
    expect(kept(0.01, 0.01)).toEqual([true, false, true]);
    expect(barsOf({ cached, full, difference: -0.01, p: 0.2 }).map((bar) => bar.measured)).toEqual([
      "10.0 ×",
      "5.0 ×",
      "−0.0100, p 0.20",
    ]);
    expect(lossesApart([2, 4], [2, 4.4])).toBeCloseTo(0.1, 12);
  });
});

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-tpme-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** People who go round a circle of things that have a title and a picture each. */
async function smallWorld(): Promise<{ data: string; encoders: Encoders }> {
  const [things, words] = [12, ["red", "blue", "shoe", "hat"]];
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 40; user++)
    for (let k = 0; k < 8; k++) lines.push(`u${user},i${(user + k) % things},${k}`);
  await writeFile(join(folder, "log.csv"), lines.join("\n"));
  const pictures = join(folder, "pictures");
  await mkdir(pictures);
  const items: string[] = [];
  for (let k = 0; k < things; k++) {
    items.push(JSON.stringify({ item_id: `i${k}`, title: `${words[k % 4]} ${words[(k >> 2) % 4]}` }));
    const background = { r: 20 * k, g: 255 - 20 * k, b: 0 };
    await sharp({ create: { width: 4, height: 4, channels: 3, background } })
      .png()
      .toFile(join(pictures, `i${k}.png`));
  }
  await writeFile(join(folder, "items.jsonl"), items.join("\n"));
  const data = join(folder, "data");
  const files = { interactions: join(folder, "log.csv"), items: join(folder, "items.jsonl") };
  await importInteractions({ ...files, images: pictures, out: data });
  const words2 = textTransformer({ vocabulary: vocabulary.length, width: 8, layers: 2 });
  const text = await writeTinyEncoder(join(folder, "text"), words2);
  const image = join(folder, "image.onnx");
  await writeFile(image, imageTransformer({ side: 4, patch: 2, width: 6, layers: 2 }));
  return { data, encoders: { text, columns: ["title"], maxTokens: 6, image, side: 4 } };
}

describe("the six ways", () => {
  it("train on the same data with costs of their own, IISAN to the same losses cached or not", async () => {
    const { data, encoders } = await smallWorld();
    await encodeAll(data, encoders, 1);
    const set = {
      "training.epochs": 2,
      "training.batchTokens": 64,
      "training.rowLength": 16,
      "training.maxLength": 10,
      "training.threads": 1,
    };
    const rows = {} as Record<Way, TpmeRow>;
    for (const way of ways) {
      rows[way] = await measure({ way, data, encoders, seed: 0, set, out: join(folder, way) });
      expect(rows[way].steps).toBeGreaterThan(2);
      expect(rows[way].epochProcessorSeconds).toBeGreaterThan(0);
      expect(rows[way].metrics["NDCG@10"]).toBeGreaterThan(0);
    }
    const { "iisan-cached": cached, "iisan-computed": computed } = rows;
    expect(lossesApart(cached.losses, computed.losses)).toBeLessThan(1e-5);
    expect(cached.trainedParameters).toBe(computed.trainedParameters);
    expect(new Set(ways.map((way) => rows[way].trainedParameters)).size).toBe(5);
  }, 240_000);
});

describe("the text encoder", () => {
  it("learns which word belongs to the others", async () => {
    const model = textTransformer({ vocabulary: 12, width: 16, layers: 1 });
    const rows = Array.from({ length: 50 }, (_, k) => [5 + (k % 3), 5 + (k % 3), 5 + (k % 3), 5 + (k % 3)]);
    const learning = { batch: 8, length: 6, steps: 80, learningRate: 0.01, threads: 1 };
    const read = await readWords({ model, rows, mask: 4, frame: [2, 3], ...learning });
    expect(read.losses[1]).toBeLessThan(0.6 * read.losses[0]);
    expect(read.model.length).toBe(model.length);
    expect(Buffer.from(read.model).equals(Buffer.from(model))).toBe(false);
  });
});

const mobilenet = resolve("..", "shared", "models", "mobilenet-v1-embedding.onnx");
const present = existsSync(mobilenet);
const reason = present ? "" : " (skipped: ../shared/models is not there)";

it.skipIf(!present)(`the image encoder has six states of one width${reason}`, () => {
  const file = posterEncoder(readFileSync(mobilenet));
  const layers = layerNames(inspectOnnx(file));
  expect(layers).toHaveLength(6);
  const graph = readOnnx(file, { shapes: { input: [2, 3, 64, 64] } });
  for (const name of layers) expect(graph.labels.get(name)!.shape).toEqual([2, 512, 4, 4]);
  expect(graph.value("embedding").shape).toEqual([2, 512]);
});

describe("the page", () => {
  const row = (way: Way, seconds: number): object => ({
    way,
    metrics: { "NDCG@10": 0.0512 },
    epochSeconds: 2 * seconds,
    epochProcessorSeconds: seconds,
    trainedParameters: 123_456,
    peakMegabytes: 321.9,
    popularity: 0.02,
    losses: [5 + 1e-6 * seconds, 4],
    load: 3,
    tpme: seconds / 40,
  });
  const result = {
    command: "npm run bench -- tpme --threads 1",
    commit: "abc",
    date: "2026-11-21",
    machine: { cores: 2, processor: "P" },
    versions: { node: "v20", onnxruntime: "1.30.0" },
    threads: 1,
    data: "ml-1m",
    counts: { items: 400, users: 6000 },
    fewestEvents: 700,
    settings: { "training.users": 0.1, "training.epochs": 4, "training.batchTokens": 2048 },
    textEncoder: { layers: 4, width: 128, parameters: 1_000_000 },
    imageEncoder: { file: "F", side: 64, parameters: 2_000_000 },
    encoding: { processorSeconds: 12.5 },
    rows: [row("full", 40), row("iisan-cached", 2)],
  };

  it("has a line for each way that is measured", () => {
    const text = tpmeTables(result);
    expect(text).toContain("| full fine-tuning | .0512 |  | 40.0 | 80.0 | 123,456 | 322 | 1.000 |");
    expect(text).toContain("one thread");
    expect(text).not.toContain("promised");
  });

  it("tells bars, the law and p once they are measured", () => {
    const cost = { seconds: 1, parameters: 1, megabytes: 1 };
    const bars = barsOf({ cached: cost, full: { ...cost, seconds: 20 }, difference: -0.02, p: 0.001 });
    const againstFull = { "iisan-cached": { difference: -0.02, p: 0.001 } };
    const rows = [...result.rows, row("iisan-computed", 7)];
    const text = tpmeTables({ ...result, rows, bars, lossesApart: 1e-5, againstFull });
    expect(text).toContain("| IISAN, states cached | .0512 | 0.0010 | 2.00 |");
    expect(text).toContain("| ≥ 10 × faster | 20.0 × | yes |");
    expect(text).toContain("| −0.0200, p 0.0010 | **no** |");
    expect(text).toContain(
      "differ by 1.0e-6 of their size in the first epoch, and by at most 0.00001 in any",
    );
  });
});
