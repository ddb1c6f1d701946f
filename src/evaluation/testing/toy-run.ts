/** @file Writes a finished run folder whose model is only bytes, for tests with a fake scorer. */

import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FORMAT, runFiles, writeRunManifest } from "../run-folder.ts";

export interface ToyRun {
  /** Item ids by internal index; an item's count is its index. */
  readonly items: readonly string[];
  /** "Title ID" by default. */
  readonly titles?: readonly string[];
  readonly users?: number;
  /** The fingerprint of the dataset; "toy" by default. */
  readonly fingerprint?: string;
  /** Relative to the run folder; "../dataset" by default. */
  readonly dataset?: string;
  readonly seed?: number;
}

/** Writes run.json, items.jsonl and stand-ins for weights and model. */
export async function writeToyRun(directory: string, toy: ToyRun): Promise<void> {
  const { items, users = 1, fingerprint = "toy", dataset = "../dataset", seed = 1 } = toy;
  await mkdir(directory, { recursive: true });
  const titles = toy.titles ?? items.map((id) => `Title ${id}`);
  const lines = items.map((id, count) => JSON.stringify({ id, title: titles[count], count }));
  const contents = {
    [runFiles.items]: `${lines.join("\n")}\n`,
    [runFiles.weights]: "weights",
    [runFiles.model]: "a model",
  };
  const files: Record<string, string> = {};
  for (const [name, text] of Object.entries(contents)) {
    await writeFile(join(directory, name), text);
    files[name] = createHash("sha256").update(text).digest("hex");
  }
  await writeRunManifest(directory, {
    kind: "sequitur-run",
    format: RUN_FORMAT,
    recipe: "sasrec",
    config: {},
    seed,
    status: "finished",
    split: { kind: "leave-one-out" },
    dataset: { directory: dataset, fingerprint, items: items.length, users },
    files,
    seconds: { train: 12.5 },
    bestEpoch: 3,
  });
}
