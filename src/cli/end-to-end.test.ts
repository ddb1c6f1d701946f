import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EvaluationResult } from "../evaluation/result.ts";
import { readOnnx } from "../onnx/read.ts";
import { packageRoot } from "./package.ts";
import { sequitur } from "./testing/spawn.ts";
import { makeWorld, type World } from "./testing/world.ts";

let world: World;
let trained: string;
let lastLine: string;
beforeAll(async () => {
  world = await makeWorld();
  trained = join(world.root, "trained");
  const settings = [
    "--set",
    "training.epochs=40",
    "--set",
    "backbone.dropout=0",
    "--set",
    "training.learningRate=0.01",
  ];
  const args = ["train", "--data", world.dataset, "--out", trained, "--seed", "3", "--json", ...settings];
  const { code, out, error } = await sequitur(args);
  expect({ code, error }).toMatchObject({ code: 0 });
  lastLine = out.trimEnd().split("\n").at(-1)!;
});
afterAll(() => rm(world.root, { recursive: true }));

test("train ends with the evaluation, and evaluate says the same", async () => {
  const result = EvaluationResult.strict().parse(JSON.parse(lastLine));
  expect(result).toMatchObject({ recipe: "sasrec", seed: 3, users: 12, items: 8, split: "test" });
  const { out } = await sequitur(["evaluate", "--run", trained, "--json"]);
  const again = EvaluationResult.parse(JSON.parse(out));
  expect({ ...again, seconds: 0 }).toEqual({ ...result, seconds: 0 });
});

test("the circle is learned better than popularity knows it", () => {
  const { metrics, baselines } = EvaluationResult.parse(JSON.parse(lastLine));
  expect(metrics["NDCG@5"]).toBeGreaterThan(baselines.popularity["NDCG@5"]!);
});

test("recommend answers someone who was never seen", async () => {
  const { out } = await sequitur(["recommend", "--run", trained, "--history", "i5,i6", "-k", "3", "--json"]);
  const { items } = JSON.parse(out) as { items: { id: string }[] };
  expect(items).toHaveLength(3);
  for (const { id } of items) expect(["i5", "i6"]).not.toContain(id);
});

test("the exported ONNX file gives the same scores in plain ONNX Runtime", async () => {
  const onnx = join(world.root, "exported.onnx");
  expect((await sequitur(["export", "--run", trained, "--onnx", onnx])).code).toBe(0);
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(onnx);
  const history = new Tensor("int32", new Int32Array(50).fill(-1), [1, 50]); // left-padded with -1
  (history.data as Int32Array).set([5, 6], 48);
  const { scores } = await session.run({ item: history });
  await session.release();
  const { out } = await sequitur(["recommend", "--run", trained, "--history", "i5,i6", "--json"]);
  const { items } = JSON.parse(out) as { items: { id: string; score: number }[] };
  const { metadata } = readOnnx(await readFile(onnx));
  const ids = JSON.parse(metadata.item_ids!) as string[];
  for (const { id, score } of items) expect(scores!.data[ids.indexOf(id)]).toBeCloseTo(score, 4);
  const { config, seed, dataset } = JSON.parse(await readFile(join(trained, "run.json"), "utf8"));
  expect(metadata).toMatchObject({ recipe: "sasrec", seed: String(seed), fingerprint: dataset.fingerprint });
  expect(JSON.parse(metadata.config!)).toEqual(config);
});

test("export --web writes a page with the model, and says so in one object", async () => {
  const web = join(world.root, "site");
  const { code, out } = await sequitur(["export", "--run", trained, "--web", web, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ web, items: 8, model: expect.stringMatching(/^sasrec@/) });
  expect(await readdir(web)).toEqual(expect.arrayContaining(["export.json", "index.html", "recommender.js"]));
});

test("a server stops gracefully when it is told to, with exit code 0", async () => {
  const main = join(packageRoot, "dist", "src", "cli", "main.js");
  const child = spawn(process.execPath, [main, "serve", "--run", trained, "--port", "0", "--json"]);
  const line = await new Promise<string>((resolve) =>
    child.stdout.once("data", (text) => resolve(String(text))),
  );
  const { address } = JSON.parse(line) as { address: string };
  const answer = await fetch(`${address}/v1/recommend`, { method: "POST", body: '{"user":"person 3"}' });
  expect(answer.status).toBe(200);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve([code, signal])));
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});

describe("wrong settings are refused before anything is written", () => {
  test.each([
    ["an unknown recipe", ["--recipe", "sasrek"], 'there is no recipe "sasrek"; the nearest is "sasrec"'],
    ["an unknown setting", ["--set", "training.epoch=2"], "epochs"],
    ["an unknown part", ["--set", "backbone.name=sasrc"], "sasrec"],
    ["a value of the wrong type", ["--set", "training.epochs=many"], "training.epochs"],
  ])("%s", async (_, wrong, sentence) => {
    const out = join(world.root, "refused");
    const { code, error } = await sequitur(["train", "--data", world.dataset, "--out", out, ...wrong]);
    expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(sentence) });
    expect(error.trimEnd()).not.toContain("\n");
    expect(await readdir(world.root)).not.toContain("refused");
  });

  test("a dataset that is none", async () => {
    const args = ["train", "--data", world.root, "--out", join(world.root, "refused")];
    const { code, error } = await sequitur(args);
    expect({ code, error }).toEqual({
      code: 2,
      error: expect.stringContaining("this is not a dataset folder"),
    });
  });

  test("an output folder that holds something else is not touched", async () => {
    const out = join(world.root, "mine");
    await mkdir(out);
    await writeFile(join(out, "notes.txt"), "mine");
    const { code } = await sequitur(["train", "--data", world.dataset, "--out", out]);
    expect([code, await readdir(out)]).toEqual([2, ["notes.txt"]]);
  });
});
