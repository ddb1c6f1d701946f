import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDataset } from "../data/dataset.ts";
import { sequitur } from "./testing/spawn.ts";
import { makeWorld, type World } from "./testing/world.ts";

let world: World;
let folder: string;
beforeAll(async () => {
  world = await makeWorld();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sequitur-bad-"));
  return () => rm(folder, { recursive: true });
});
afterAll(() => rm(world.root, { recursive: true }));

/** Runs a command that must fail with one sentence and exit code 2, and returns the sentence. */
async function refused(args: readonly string[]): Promise<string> {
  const { code, out, error } = await sequitur(args);
  expect({ code, out, lines: error.trimEnd().split("\n").length, error }).toMatchObject({
    code: 2,
    out: "",
    lines: 1,
  });
  expect(error).not.toContain("    at ");
  return error.trimEnd();
}

/** Imports a log that must be refused; nothing may be left but the inputs. */
async function refusedImport(
  log: string,
  options: readonly string[] = [],
  name = "log.csv",
): Promise<string> {
  const input = join(folder, name);
  await writeFile(input, log);
  const before = await readdir(folder);
  const sentence = await refused([
    "import",
    "--interactions",
    input,
    "--out",
    join(folder, "deep", "out"),
    ...options,
  ]);
  expect(await readdir(folder)).toEqual(before);
  return sentence;
}

const header = "user_id,item_id,timestamp\n";

describe("import", () => {
  test("a missing file", async () => {
    const input = join(folder, "none.csv");
    const sentence = await refused(["import", "--interactions", input, "--out", join(folder, "out")]);
    expect(sentence).toContain(input);
    expect(await readdir(folder)).toEqual([]);
  });

  test("an empty file", async () => {
    expect(await refusedImport("")).toContain("log.csv");
  });

  test("a column that is not there names those that are and the nearest", async () => {
    const sentence = await refusedImport("user,item_id,timestamp\na,b,1\n", ["--user-column", "usr"]);
    for (const part of ['"usr"', 'nearest is "user"', "item_id", "timestamp"])
      expect(sentence).toContain(part);
  });

  test("a row with too few fields names file and line", async () => {
    expect(await refusedImport(`${header}a,b,1\na,c\n`)).toContain("log.csv:3");
  });

  test.each(["yesterday", "NaN", ""])("the timestamp %j names file and line", async (time) => {
    expect(await refusedImport(`${header}a,b,1\na,c,${time}\n`)).toContain("log.csv:3");
  });

  test("items with one id twice", async () => {
    const items = join(folder, "items.csv");
    await writeFile(items, "item_id,title\nb,One\nb,Two\n");
    const sentence = await refusedImport(`${header}a,b,1\n`, ["--items", items]);
    expect(sentence).toContain("items.csv");
    expect(sentence).toContain("b");
  });

  test("nothing left after the filter says which threshold emptied it", async () => {
    expect(await refusedImport(`${header}a,b,1\na,c,2\n`, ["--min-item", "5"])).toContain("item");
  });

  test("an output folder that holds something else is not touched", async () => {
    const sentence = await refused(["import", "--interactions", world.log, "--out", world.run]);
    expect(sentence).toContain(world.run);
    expect(await readdir(world.run)).toContain("run.json");
  });

  test("ids of any kind are kept as they are", async () => {
    const ids = ["007", " outer ", 'say "x"', "ünï😀", "a,b", "x".repeat(1000), "NULL"];
    const quoted = (id: string) => `"${id.replaceAll('"', '""')}"`;
    const rows = ids.flatMap((id, at) =>
      ids.map((item, time) => `${quoted(id)},${quoted(item)},${at * 10 + time}`),
    );
    await writeFile(join(folder, "log.csv"), `${header}${rows.join("\n")}\n`);
    const out = join(folder, "out");
    const { code } = await sequitur(["import", "--interactions", join(folder, "log.csv"), "--out", out]);
    expect(code).toBe(0);
    const dataset = await openDataset(out);
    expect(dataset.users).toEqual(ids);
    expect([...dataset.items].sort()).toEqual([...ids].sort());
  });
});

describe("a run folder", () => {
  const commands = [
    ["evaluate", []],
    ["recommend", ["--history", "i1"]],
    ["recommend", ["--user", "person 1"]],
    ["serve", ["--port", "0"]],
    ["export", ["--onnx", "out.onnx"]],
  ] as const;

  test.each(commands)("%s %j: a model file that was cut short", async (name, rest) => {
    const run = join(folder, "run");
    await cp(world.run, run, { recursive: true });
    await truncate(join(run, "model.onnx"), 4);
    const sentence = await refused([name, "--run", run, ...rest]);
    expect(sentence).toContain(
      "model.onnx: does not match its hash in run.json: the file was altered or cut short",
    );
    expect(await readdir(run)).toEqual(await readdir(world.run));
  });

  test.each(commands)("%s %j: no run folder at all", async (name, rest) => {
    expect(await refused([name, "--run", folder, ...rest])).toContain("this is not a run folder");
  });

  test("weights that were altered", async () => {
    const run = join(folder, "run");
    await cp(world.run, run, { recursive: true });
    await writeFile(join(run, "weights.safetensors"), "Weights");
    expect(await refused(["evaluate", "--run", run])).toContain(
      "weights.safetensors: does not match its hash",
    );
  });

  test("a run of another version", async () => {
    const run = join(folder, "run");
    await cp(world.run, run, { recursive: true });
    const manifest = await readFile(join(run, "run.json"), "utf8");
    await writeFile(join(run, "run.json"), manifest.replace('"format": 1', '"format": 2'));
    expect(await refused(["evaluate", "--run", run])).toContain("written by format 2, this version reads 1");
  });
});

describe("a device that is absent", () => {
  const absent = process.platform === "win32" ? "coreml" : "dml";

  test("training starts nothing", async () => {
    const out = join(folder, "run");
    const device = `training.device=${absent}`;
    const sentence = await refused(["train", "--data", world.dataset, "--out", out, "--set", device]);
    expect(sentence).toMatch(/^device "(dml|coreml)" exists in ONNX Runtime for .* only, and this is /);
    expect(await readdir(folder)).toEqual([]);
  });

  test("a name that no device has", async () => {
    const sentence = await refused(["serve", "--run", world.run, "--device", "gpu"]);
    expect(sentence).toContain("Allowed choices are cpu, cuda, webgpu, coreml, dml");
  });
});

describe("a dataset folder", () => {
  test("of another version", async () => {
    const dataset = join(folder, "dataset");
    await cp(world.dataset, dataset, { recursive: true });
    const manifest = await readFile(join(dataset, "manifest.json"), "utf8");
    await writeFile(join(dataset, "manifest.json"), manifest.replace('"format": 1', '"format": 2'));
    expect(await refused(["evaluate", "--run", world.run, "--data", dataset])).toContain("format 2");
  });

  test("that is gone", async () => {
    const run = join(folder, "deep", "run");
    await mkdir(join(folder, "deep"));
    await cp(world.run, run, { recursive: true });
    expect(await refused(["evaluate", "--run", run])).toMatch(
      /the dataset of this run is no longer at .*; name its folder with --data/,
    );
  });

  test("that was altered", async () => {
    const dataset = join(folder, "dataset");
    await cp(world.dataset, dataset, { recursive: true });
    await writeFile(join(dataset, "items.parquet"), "x");
    expect(await refused(["evaluate", "--run", world.run, "--data", dataset])).toContain("items.parquet");
  });
});

describe("compare", () => {
  test("a run that was not evaluated, and a folder that is none", async () => {
    expect(await refused(["compare", join(folder, "none")])).toContain("this is not a run folder");
    expect(await refused(["compare", world.run])).toContain("has no test evaluation yet");
  });

  test("an evaluation that was altered", async () => {
    const run = join(folder, "run");
    await cp(world.run, run, { recursive: true });
    await writeFile(join(run, "evaluation-test.json"), '{"recipe":1}');
    expect(await refused(["compare", run])).toContain("evaluation-test.json: recipe:");
  });
});
