import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EvaluationResult } from "../evaluation/result.ts";
import { writeToyRun } from "../evaluation/testing/toy-run.ts";
import { RuntimeFailure } from "../tensor/errors.ts";
import { run } from "./run.ts";
import { type FakeContext, fakeContext } from "./testing/fake-context.ts";
import { makeWorld, type World } from "./testing/world.ts";

let world: World;
beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => rm(world.root, { recursive: true }));

async function command(args: readonly string[], context: FakeContext = fakeContext()) {
  const code = await run(args, context);
  return { code, ...context.written };
}

/** The one JSON object that --json prints. */
async function jsonOf(args: readonly string[], context?: FakeContext): Promise<unknown> {
  const { code, out, error } = await command([...args, "--json"], context);
  expect([code, error]).toEqual([0, ""]);
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  return JSON.parse(out);
}

describe("evaluate", () => {
  test("prints the fixed JSON: the cycle world is predicted without a mistake", async () => {
    const result = EvaluationResult.strict().parse(await jsonOf(["evaluate", "--run", world.run]));
    expect(result).toMatchObject({ recipe: "sasrec", split: "test", users: 12, items: 8, seed: 1 });
    const names = ["HR@10", "NDCG@10", "MRR@10", "HR@5", "NDCG@5", "HR@20", "NDCG@20", "coverage@10"];
    expect(Object.keys(result.metrics)).toEqual(names);
    expect(result.metrics["NDCG@10"]).toBe(1);
    expect(result.baselines.popularity["NDCG@10"]).toBeLessThan(0.9);
    expect(result.seconds.train).toBe(12.5);
  });

  test("keeps the result and every user's rank in the run folder", async () => {
    await command(["evaluate", "--run", world.run]);
    const csv = await readFile(join(world.run, "ranks-test.csv"), "utf8");
    expect(csv.split("\n").slice(0, 3)).toEqual(["user,target,rank", "person 0,i3,1", "person 1,i4,1"]);
    expect(csv.trimEnd().split("\n")).toHaveLength(13);
    expect((await readdir(world.run)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("prints a table with the model beside popularity and the protocol", async () => {
    const { out } = await command(["evaluate", "--run", world.run, "--split", "validation"]);
    const [header, model, popularity, protocol] = out.split("\n");
    expect(header).toContain("NDCG@10");
    expect(model).toMatch(/^sasrec +1\.0000/);
    expect(popularity).toMatch(/^popularity +/);
    expect(protocol).toContain("leave-one-out, validation · 12 users");
  });

  test("refuses another dataset than the run's", async () => {
    const other = join(world.root, "other");
    await writeToyRun(other, { items: ["i0"], fingerprint: "x" });
    const { code, error } = await command(["evaluate", "--run", other]);
    expect([code, error]).toEqual([2, expect.stringContaining("is not the dataset that")]);
  });
});

describe("recommend", () => {
  test("answers a history with real ids, titles and scores", async () => {
    const answer = await jsonOf(["recommend", "--run", world.run, "--history", "i1,i2,zz", "-k", "2"]);
    expect(answer).toMatchObject({
      items: [{ id: "i3", title: "Title i3", score: -1 }, { id: "i4" }],
      unknown: ["zz"],
    });
  });

  test("answers a user of the dataset", async () => {
    const { out } = await command(["recommend", "--run", world.run, "--user", "person 1", "-k", "1"]);
    expect(out).toBe("             item    score\n1  Title i5    i5  -1.0000\n");
  });

  test("names a user who is unknown", async () => {
    const { code, error } = await command(["recommend", "--run", world.run, "--user", "nobody"]);
    expect([code, error]).toEqual([
      2,
      expect.stringMatching(/^there is no user "nobody" in the dataset; .*\n$/),
    ]);
  });

  test("a history needs no dataset", async () => {
    const alone = join(world.root, "alone", "deep");
    await cp(world.run, alone, { recursive: true });
    expect(await jsonOf(["recommend", "--run", alone, "--history", "i0", "-k", "1"])).toMatchObject({
      items: [{ id: "i1" }],
    });
  });

  test("a history of unknown items says that the popular ones were given", async () => {
    const { out } = await command(["recommend", "--run", world.run, "--history", "x,y", "-k", "1"]);
    expect(out).toContain(
      "not in the catalogue and skipped: x, y\nno item of the history is in the catalogue",
    );
  });

  test("says where nothing is left to recommend", async () => {
    const all = "i0,i1,i2,i3,i4,i5,i6,i7";
    const { code, out } = await command(["recommend", "--run", world.run, "--history", all]);
    expect([code, out]).toEqual([
      0,
      "nothing is left: every item is in the history, excluded or filtered away\n",
    ]);
  });
});

describe("train", () => {
  const copyRun = async ({ out }: { readonly out: string }) => cp(world.run, out, { recursive: true });

  test("passes its options on and ends with the evaluation", async () => {
    const config = join(world.root, "config.json");
    await writeFile(config, '{"training":{"epochs":3}}');
    const context = fakeContext(copyRun);
    const out = join(world.root, "trained");
    const args = ["--data", world.dataset, "--out", out, "--recipe", "sasrec", "--config", config];
    const settings = ["--set", "training.epochs=2", "--set", "loss.name=x", "--seed", "7", "--resume"];
    const { code, ...written } = await command(["train", ...args, ...settings, "--json"], context);
    expect(code).toBe(0);
    EvaluationResult.strict().parse(JSON.parse(written.out));
    const { onProgress, ...options } = context.trainings[0]!;
    expect(options).toEqual({
      data: world.dataset,
      out,
      recipe: "sasrec",
      config: { training: { epochs: 3 } },
      set: [
        { path: "training.epochs", value: 2 },
        { path: "loss.name", value: "x" },
      ],
      seed: 7,
      resume: true,
    });
    expect(written.error).toContain("trained 3 epochs in 1 s; epoch 2 was best");
  });

  test("writes epochs to standard error, also without a terminal", async () => {
    const context = fakeContext(async (options) => {
      const event = {
        epoch: 1,
        epochs: 2,
        step: 1,
        steps: 4,
        loss: 2,
        interactionsPerSecond: 10,
        secondsLeft: 1,
      };
      options.onProgress?.({ kind: "step", ...event });
      options.onProgress?.({ kind: "epoch", ...event, epoch: 2 });
      options.onProgress?.({ kind: "message", ...event, text: "stopped early" });
      await copyRun(options);
    });
    const { error } = await command(
      ["train", "--data", world.dataset, "--out", join(world.root, "t2")],
      context,
    );
    const lines = error.split("\n");
    expect(lines[0]).toMatch(/^epoch 2\/2 · loss 2\.0000 · 10 interactions\/s · 1 s left$/);
    expect(lines[1]).toBe("stopped early");
  });

  test("a configuration file that is missing or not JSON is bad input, and nothing is trained", async () => {
    const context = fakeContext();
    const args = ["train", "--data", world.dataset, "--out", join(world.root, "t3"), "--config"];
    expect((await command([...args, join(world.root, "none.json")], context)).code).toBe(2);
    expect((await command([...args, world.log], context)).error).toContain("this is not JSON");
    expect(context.trainings).toEqual([]);
  });
});

describe("serve", () => {
  test("prints the address, answers, and stops when asked", async () => {
    const context = fakeContext();
    const running = run(["serve", "--run", world.run, "--port", "0", "--json"], context);
    while (context.written.out === "") await new Promise((resolve) => setTimeout(resolve, 5));
    const { address, model } = JSON.parse(context.written.out) as Record<string, string>;
    expect(model).toMatch(/^sasrec@[0-9a-f]{8}$/);
    const body = '{"user":"person 0","k":1}';
    const answer = await fetch(`${address}/v1/recommend`, { method: "POST", body });
    expect(await answer.json()).toMatchObject({ items: [{ id: "i4" }] });
    context.stop();
    expect(await running).toBe(0);
  });

  test("a port in use is one sentence and exit code 2", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
    });
    const { code, error, out } = await command(["serve", "--run", world.run, "--port", String(port)]);
    other.close();
    const sentence = `port ${port} on 127.0.0.1 is already in use; stop what listens there or choose another --port\n`;
    expect([code, out, error]).toEqual([2, "", sentence]);
  });

  test("without the dataset, histories still work and the operator is told", async () => {
    const moved = join(world.root, "moved", "run");
    await cp(world.run, moved, { recursive: true });
    const context = fakeContext();
    context.stop();
    expect(await run(["serve", "--run", moved, "--port", "0"], context)).toBe(0);
    expect(context.written.error).toContain("users are not known, only histories");
  });
});

describe("compare", () => {
  test("puts runs of one protocol in one table, with popularity once", async () => {
    const second = join(world.root, "second");
    await cp(world.run, second, { recursive: true });
    for (const one of [world.run, second]) await command(["evaluate", "--run", one]);
    const { out } = await command(["compare", world.run, second]);
    expect(out.split("\n").filter((line) => line.startsWith("popularity"))).toHaveLength(1);
    expect(out.match(/fingerprint/g)).toHaveLength(1);
    expect(out).not.toContain("different protocols");
  });

  test("never puts different protocols in one table", async () => {
    const included = join(world.root, "included");
    await cp(world.run, included, { recursive: true });
    await command(["evaluate", "--run", world.run]);
    await command(["evaluate", "--run", included, "--seen", "include"]);
    // Such an evaluation has a file of its own; here it stands where the standard one is expected.
    await cp(join(included, "evaluation-test-seen.json"), join(included, "evaluation-test.json"));
    const { out } = await command(["compare", world.run, included]);
    expect(out.match(/fingerprint/g)).toHaveLength(2);
    expect(out).toContain("2 different protocols, so their numbers cannot be compared");
    const { tables } = (await jsonOf(["compare", world.run, included])) as { tables: object[] };
    expect(tables).toHaveLength(2);
  });

  test("a run without an evaluation says which command to run", async () => {
    const fresh = join(world.root, "fresh");
    await writeToyRun(fresh, { items: ["a"] });
    const { code, error } = await command(["compare", fresh]);
    expect([code, error]).toEqual([
      2,
      expect.stringContaining(`run "sequitur evaluate --run ${fresh} --split test" first`),
    ]);
  });
});

test("export copies the model", async () => {
  const onnx = join(world.root, "model.onnx");
  expect(await jsonOf(["export", "--run", world.run, "--onnx", onnx])).toMatchObject({ onnx, bytes: 7 });
  expect(await readFile(onnx, "utf8")).toBe("a model");
});

test("export wants to know what to write, and writes one thing", async () => {
  expect(await command(["export", "--run", world.run])).toMatchObject({
    code: 2,
    error: "sequitur export: give --onnx FILE or --web FOLDER; see sequitur export --help\n",
  });
  const both = await command(["export", "--run", world.run, "--onnx", "a", "--web", "b"]);
  expect([both.code, both.error]).toEqual([2, expect.stringContaining("cannot be used with option '--web")]);
});

test("recipes are listed with their sources", async () => {
  expect(await jsonOf(["recipes"])).toEqual({
    recipes: [{ name: "sasrec", summary: "one", source: "a paper" }],
  });
});

test("import prints counts before and after", async () => {
  const out = join(world.root, "imported");
  const args = ["import", "--interactions", world.log, "--min-item", "6", "--out", out];
  const { out: text } = await command(args);
  expect(text).toMatch(/in the file +48 +12 +8\n/);
  expect(text).toMatch(/after --min-user and --min-item +\d+ +\d+ +\d+\n/);
  const json = (await jsonOf(args)) as { before: object; interactions: number };
  expect(json.before).toMatchObject({ interactions: 48, users: 12, items: 8 });
  expect(json.interactions).toBeLessThan(48);
});

test("an unexpected failure is exit code 1, in one line, and names --verbose", async () => {
  const context = fakeContext(async () => {
    throw new RuntimeFailure("x", "the model\n  broke");
  });
  const { code, error } = await command(["train", "--data", "x", "--out", "y"], context);
  expect([code, error]).toEqual([
    1,
    "sequitur failed: the model broke; run again with --verbose for details\n",
  ]);
});

test("a run folder of the wrong kind is not touched", async () => {
  const folder = join(world.root, "not-a-run");
  await mkdir(folder);
  await writeFile(join(folder, "precious"), "1");
  expect((await command(["evaluate", "--run", folder])).code).toBe(2);
  expect(await readdir(folder)).toEqual(["precious"]);
});
