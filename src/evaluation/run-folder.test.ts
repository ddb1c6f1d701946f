import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { copyModel } from "./export-model.ts";
import { datasetDirectory, openRun, readRunManifest } from "./run-folder.ts";
import { writeToyRun } from "./testing/toy-run.ts";

let root: string;
let run: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "sequitur-run-"));
  run = join(root, "run");
  await writeToyRun(run, { items: ["a", "b", "c"] });
});
afterEach(() => rm(root, { recursive: true }));

async function edit(change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const manifest = JSON.parse(await readFile(join(run, "run.json"), "utf8")) as Record<string, unknown>;
  change(manifest);
  await writeFile(join(run, "run.json"), JSON.stringify(manifest));
}

test("a finished run opens with its items", async () => {
  const open = await openRun(run);
  expect(open.items.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  expect(open.manifest.split).toEqual({ kind: "leave-one-out" });
});

test("the dataset is found beside the run, at its own place, or where it is said to be", async () => {
  const open = await openRun(run);
  expect(datasetDirectory(open)).toBe(join(root, "dataset"));
  const { manifest } = open;
  const moved = {
    ...open,
    manifest: { ...manifest, dataset: { ...manifest.dataset, directory: "/elsewhere" } },
  };
  expect(datasetDirectory(moved)).toBe("/elsewhere");
  expect(datasetDirectory(open, "given")).toBe("given");
});

describe("a run folder that is not whole says what is wrong", () => {
  test("no such folder, or one without run.json", async () => {
    await expect(openRun(join(root, "none"))).rejects.toThrow(
      "there is no run.json here, so this is not a run folder",
    );
    await expect(openRun(root)).rejects.toThrow("this is not a run folder");
  });

  test("a model that was cut short or altered", async () => {
    const path = join(run, "model.onnx");
    const sentence = `${path}: does not match its hash in run.json: the file was altered or cut short; train again or restore it`;
    await truncate(path, 3);
    await expect(openRun(run)).rejects.toThrow(sentence);
    await writeFile(path, "a modeL");
    await expect(openRun(run)).rejects.toThrow(sentence);
  });

  test("weights that are gone", async () => {
    await rm(join(run, "weights.safetensors"));
    await expect(openRun(run)).rejects.toThrow(
      "weights.safetensors: the file is missing from the run folder",
    );
  });

  test("a model without a hash", async () => {
    await edit((manifest) => Object.assign(manifest, { files: {} }));
    await expect(openRun(run)).rejects.toThrow(/files has no hash of (model.onnx|items.jsonl)/);
  });

  test("training that has not finished", async () => {
    await edit((manifest) => Object.assign(manifest, { status: "training" }));
    await expect(openRun(run)).rejects.toThrow("training has not finished; continue it with");
    expect((await readRunManifest(run)).status).toBe("training");
  });

  test("another version", async () => {
    await edit((manifest) => Object.assign(manifest, { format: 99 }));
    await expect(openRun(run)).rejects.toThrow(
      "the run was written by format 99, this version reads 1; train again",
    );
  });

  test("a field of the wrong type", async () => {
    await edit((manifest) => Object.assign(manifest, { seed: "x" }));
    await expect(openRun(run)).rejects.toThrow(/run\.json: seed: .*the file was altered/);
  });

  test("not JSON, not a run", async () => {
    await writeFile(join(run, "run.json"), '{"format": 1');
    await expect(openRun(run)).rejects.toThrow("this is not JSON");
    await writeFile(join(run, "run.json"), "[1]");
    await expect(openRun(run)).rejects.toThrow("this is not the manifest of a Sequitur run");
  });
});

describe("the exported model", () => {
  test("has the bytes of the run's", async () => {
    const path = join(root, "out.onnx");
    const { bytes } = await copyModel(await openRun(run), path);
    expect(await readFile(path)).toEqual(await readFile(join(run, "model.onnx")));
    expect(bytes).toBe((await readFile(path)).length);
  });

  test("needs a folder that is there, and a name that is no folder", async () => {
    const open = await openRun(run);
    await expect(copyModel(open, join(root, "no", "out.onnx"))).rejects.toThrow("there is no folder");
    await expect(copyModel(open, run)).rejects.toThrow("this is a folder; name a file in it");
  });
});
