import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NamedHealth } from "../content/table-health.ts";
import { importInteractions } from "../data/import.ts";
import { readTensors } from "../data/tensors.ts";
import { evaluateRun } from "../evaluation/evaluate-run.ts";
import { openRun } from "../evaluation/run-folder.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { openScorer } from "./open-scorer.ts";
import type { TrainProgress } from "./progress.ts";
import { type TrainOptions, train } from "./train.ts";

/** A world with a known answer: item (i + 1) mod 30 always follows item i; users start anywhere. */
const cycle = 30;
let folder = "";
let data = "";

const set = [
  { path: "items.dim", value: 16 },
  { path: "training.maxLength", value: 10 },
  { path: "training.rowLength", value: 16 },
  { path: "training.batchTokens", value: 256 },
  { path: "training.learningRate", value: 0.01 },
  { path: "training.warmup", value: 0 },
  { path: "training.threads", value: 1 },
  { path: "backbone.dropout", value: 0.1 },
  { path: "training.averaging", value: 0.9 },
];
const settings = (epochs: number): NonNullable<TrainOptions["set"]> => [
  ...set,
  { path: "training.epochs", value: epochs },
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-train-"));
  const lines = ["user_id,item_id,position"];
  for (let user = 0; user < 120; user++) {
    for (let k = 0; k < 8; k++) lines.push(`u${user},item ${(user * 7 + k) % cycle},${k}`);
  }
  await writeFile(join(folder, "log.csv"), `${lines.join("\n")}\n`);
  data = join(folder, "data");
  await importInteractions({ interactions: join(folder, "log.csv"), out: data });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const digest = async (run: string, name: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(join(run, name)))
    .digest("hex");

describe("train", () => {
  it("says how healthy the item vectors are: who is nearest to whom, by id", async () => {
    const out = join(folder, "health");
    await train({ data, out, set: settings(2) });
    const { items, manifest } = await openRun(out);
    expect(Object.keys(manifest.files)).toContain("health.json");
    const health = JSON.parse(await readFile(join(out, "health.json"), "utf8")) as NamedHealth;
    expect([health.items, health.dim, health.neighbours.length]).toEqual([cycle, 16, 6]);
    expect(health.effectiveRank).toBeGreaterThan(1);
    expect(health.effectiveRank).toBeLessThanOrEqual(16);
    const { tensors } = await readTensors(join(out, "weights.safetensors"));
    const row = (k: number): number[] =>
      Array.from(tensors["items.id"]!.data.subarray(k * 16, k * 16 + 16), Number);
    const cosine = (a: number[], b: number[]): number =>
      a.reduce((sum, x, c) => sum + x * b[c]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
    const [{ item, near }] = health.neighbours as [NamedHealth["neighbours"][number]];
    const own = items.findIndex(({ id }) => id === item);
    const best = items
      .map(({ id }, k) => ({ id, cosine: cosine(row(own), row(k)) }))
      .filter(({ id }) => id !== item)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, 5);
    expect(near.map((other) => other.item)).toEqual(best.map(({ id }) => id));
    expect(near[0]!.cosine).toBeCloseTo(best[0]!.cosine, 5);
  });

  it("learns that world from hidden items as well, and scores what follows", async () => {
    const out = join(folder, "hidden");
    await train({ data, out, recipe: "bert4rec", set: settings(40) });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.metrics["NDCG@10"]).toBeGreaterThan(0.8); // popularity has .1
  });

  it("learns a world whose next item is known, and leaves a run that can be opened", async () => {
    const out = join(folder, "learns");
    const events: TrainProgress[] = [];
    const result = await train({ data, out, set: settings(40), onProgress: (e) => events.push(e) });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.metrics["HR@10"]).toBe(1);
    expect(evaluation.metrics["NDCG@10"]).toBeGreaterThan(0.95);
    expect(evaluation.metrics["NDCG@10"]).toBeGreaterThan(evaluation.baselines.popularity["NDCG@10"]! + 0.3);
    const run = await openRun(out);
    expect(run.manifest.bestEpoch).toBe(result.bestEpoch);
    expect(run.items).toHaveLength(cycle);
    const lines = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
    expect(lines).toHaveLength(result.epochs);
    const epochs = events.filter((e) => e.kind === "epoch");
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0]!.loss / 2);
  });

  it("learns it from a sample of the items too", async () => {
    const out = join(folder, "sampled");
    const sampled = [
      { path: "loss.name", value: "sampled-softmax" },
      { path: "loss.negatives", value: 8 },
      { path: "loss.popularity", value: 0.5 },
    ];
    await train({ data, out, set: [...settings(40), ...sampled] });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.metrics["HR@10"]).toBe(1);
    expect(evaluation.metrics["NDCG@10"]).toBeGreaterThan(0.8); // popularity has .1
  });

  it("gives the same weights for the same seed, and others for another", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => join(folder, name));
    await train({ data, out: a!, set: settings(3), seed: 5 });
    await train({ data, out: b!, set: settings(3), seed: 5 });
    await train({ data, out: c!, set: settings(3), seed: 6 });
    expect(await digest(a!, "weights.safetensors")).toBe(await digest(b!, "weights.safetensors"));
    expect(await digest(a!, "weights.safetensors")).not.toBe(await digest(c!, "weights.safetensors"));
  });

  it("stops early when validation gets no better", async () => {
    const options = [
      ...settings(50),
      { path: "training.learningRate", value: 1e-9 },
      { path: "training.patience", value: 2 },
    ];
    const result = await train({ data, out: join(folder, "patience"), set: options });
    expect(result.epochs).toBe(result.bestEpoch + 2);
  });

  it("splits at one moment for everybody where it is asked to", async () => {
    const lines = ["user_id,item_id,timestamp"];
    for (let user = 0; user < 60; user++) {
      for (let k = 0; k < 10; k++) lines.push(`u${user},i${(user + k) % cycle},${1e9 + 1000 * k + user}`);
    }
    const log = join(folder, "timed.csv");
    await writeFile(log, lines.join("\n"));
    await importInteractions({ interactions: log, out: join(folder, "timed") });
    const out = join(folder, "global");
    const split = [...settings(2), { path: "split.kind", value: "global-time" }];
    await train({ data: join(folder, "timed"), out, set: split });
    const { manifest } = await openRun(out);
    expect(manifest.split).toEqual({ kind: "global-time", validationFraction: 0.1, testFraction: 0.1 });
    const evaluation = await evaluateRun({ run: out, openScorer });
    expect(evaluation.users).toBeGreaterThan(0);
    const standard = await evaluateRun({ run: join(folder, "learns"), openScorer });
    expect(evaluation.fingerprint).not.toBe(standard.fingerprint);
    await expect(train({ data, out: join(folder, "untimed"), set: split })).rejects.toThrow(DataError);
  });

  it("refuses before any work what cannot be done", async () => {
    const out = join(folder, "refused");
    await expect(train({ data, out, recipe: "nope" })).rejects.toThrow(ConfigError);
    await expect(train({ data: join(folder, "none"), out })).rejects.toThrow(DataError);
    await expect(train({ data, out, seed: 1.5 })).rejects.toThrow(
      "the seed must be a whole number from 0 on, not 1.5",
    );
    await expect(train({ data, out: folder })).rejects.toThrow(
      "is not empty and holds no run; name a new folder",
    );
    await expect(train({ data, out: join(folder, "a") })).rejects.toThrow(
      "holds a run already; continue it with --resume",
    );
    const other = train({
      data,
      out: join(folder, "a"),
      resume: true,
      set: [...settings(3), { path: "backbone.blocks", value: 4 }],
    });
    await expect(other).rejects.toThrow("was started with backbone.blocks = 2, not 4");
    const given = [{ path: "training.epochs", value: 9 }]; // only what is named is compared
    await expect(train({ data, out: join(folder, "a"), resume: true, set: given })).rejects.toThrow(
      "was started with training.epochs = 3, not 9",
    );
    const config = { training: { epochs: 3 } };
    await train({ data, out: join(folder, "a"), resume: true, recipe: "sasrec", config });
    await expect(train({ data, out, set: [{ path: "backbone.heads", value: 3 }] })).rejects.toThrow(
      "the settings do not fit together: attention: 3 heads do not divide a width of 64",
    );
    await writeFile(join(folder, "short.csv"), "user_id,item_id,position\nu,a,1\nu,b,2\nu,c,3\n");
    const short = join(folder, "short");
    await importInteractions({ interactions: join(folder, "short.csv"), out: short });
    await expect(train({ data: short, out })).rejects.toThrow("nothing can be learned");
    await expect(train({ data, out: join(folder, "a"), resume: true, seed: 1 })).rejects.toThrow(
      "was started with seed 5",
    );
    await mkdir(out); // nothing was written there: an empty folder can be made
  });
});

describe("a training that is killed", () => {
  /** Runs `train` in a process of its own that gets SIGKILL after some progress events. */
  async function killedAfter(events: number, options: TrainOptions): Promise<void> {
    const script = join(folder, "train.mjs");
    await writeFile(
      script,
      `const [module, options] = JSON.parse(process.argv[2]);
      const { train } = await import(module);
      await train({ ...options, onProgress: () => process.stdout.write(".") });`,
    );
    const module = new URL("./train.js", import.meta.url).href;
    const child = spawn(process.execPath, [script, JSON.stringify([module, options])]);
    let seen = 0;
    child.stdout.on("data", (dots: Buffer) => {
      seen += dots.length;
      if (seen >= events) child.kill("SIGKILL");
    });
    await new Promise((resolve) => child.on("close", resolve));
    expect(seen).toBeGreaterThanOrEqual(events);
  }

  it("continues to bit-identical weights, wherever it was stopped", async () => {
    const whole = join(folder, "whole");
    const options = { data, set: settings(4), seed: 9 };
    await train({ ...options, out: whole });
    for (const moments of [[1], [7], [3, 9, 5]]) {
      const out = join(folder, `killed-${moments.join("-")}`);
      for (const events of moments) await killedAfter(events, { ...options, out, resume: true });
      await train({ ...options, out, resume: true });
      for (const name of ["weights.safetensors", "model.onnx", "items.jsonl"]) {
        expect(await digest(out, name)).toBe(await digest(whole, name));
      }
      await openRun(out);
    }
  });

  it("hides the same items again where it continues", async () => {
    const small = set.filter(({ path }) => path !== "training.averaging");
    const cloze = [...small, { path: "training.epochs", value: 3 }];
    const options = { data, recipe: "bert4rec", set: cloze, seed: 5 };
    await train({ ...options, out: join(folder, "cloze-whole") });
    const out = join(folder, "cloze-killed");
    await killedAfter(9, { ...options, out });
    await train({ ...options, out, resume: true });
    const name = "weights.safetensors";
    expect(await digest(out, name)).toBe(await digest(join(folder, "cloze-whole"), name));
  });

  it("keeps the settings and the split it was started with, where none are named", async () => {
    const split = { path: "split.kind", value: "global-time" };
    const options = { data: join(folder, "timed"), set: [...settings(3), split], seed: 2 };
    await train({ ...options, out: join(folder, "timed-whole") });
    const out = join(folder, "timed-killed");
    await killedAfter(2, { ...options, out });
    await train({ data: options.data, out, resume: true });
    for (const name of ["weights.safetensors", "items.jsonl"]) {
      expect(await digest(out, name)).toBe(await digest(join(folder, "timed-whole"), name));
    }
  });

  it("is not resumed while another process is at work on it", async () => {
    const out = join(folder, "whole");
    const options = { data, out, resume: true };
    await writeFile(join(out, "run.lock"), String(process.ppid)); // somebody who is certainly alive
    await expect(train(options)).rejects.toThrow(`is being trained by process ${process.ppid}`);
    await writeFile(join(out, "run.lock"), "999999999"); // nobody has this number
    await train(options);
    await expect(readFile(join(out, "run.lock"))).rejects.toThrow("ENOENT");
  });

  it("is finished already when it is resumed at the end", async () => {
    const texts: (string | undefined)[] = [];
    const out = join(folder, "whole");
    const result = await train({ data, out, resume: true, onProgress: (e) => texts.push(e.text) });
    expect(result.epochs).toBe(4);
    expect(texts).toEqual([`${out} is finished already`]);
  });
});
