/** @file A run folder: what training leaves behind, read back, checked and opened. */

import { readFile } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import { z } from "zod";
import { readJson, sha256File, systemCode, unreadable, writeAtomic } from "../data/files.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import type { Device } from "../runtime/device.ts";
import { DataError } from "../tensor/errors.ts";

/** The version of the run folder that this code writes and reads. */
export const RUN_FORMAT = 1;

/** Names of the files in a run folder. */
export const runFiles = {
  manifest: "run.json",
  metrics: "metrics.jsonl",
  checkpoint: "checkpoint.safetensors",
  weights: "weights.safetensors",
  /** The vectors of all items, where they are derived from content. */
  vectors: "item-vectors.safetensors",
  model: "model.onnx",
  items: "items.jsonl",
  /** The fields of each item in a line, where the dataset has some. */
  fields: "fields.jsonl",
  /** How healthy the item vectors are. */
  health: "health.json",
} as const;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 as 64 hexadecimal digits");
const fraction = z.number().gt(0).lt(1);

/** Items that training did without, so that they are met cold: a share of all, chosen by a seed of its own. */
const cold = z.strictObject({ share: fraction, seed: z.int().nonnegative() }).optional();

/** How the interactions were split; the same rule gives the test cases of an evaluation. */
export const SplitSettings = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("leave-one-out"), cold }),
  z.strictObject({
    kind: z.literal("global-time"),
    validationFraction: fraction,
    testFraction: fraction,
    cold,
  }),
]);
export type SplitSettings = z.infer<typeof SplitSettings>;

/** run.json: everything that is known about a run but its weights and its item list. */
export const RunManifest = z.object({
  kind: z.literal("sequitur-run"),
  format: z.literal(RUN_FORMAT),
  recipe: z.string().min(1),
  /** The resolved configuration, every default written out. */
  config: z.record(z.string(), z.unknown()),
  seed: z.int().nonnegative(),
  status: z.enum(["training", "finished"]),
  split: SplitSettings.default({ kind: "leave-one-out" }),
  dataset: z.object({
    /** Where the dataset folder is: absolute, or relative to the run folder. */
    directory: z.string().min(1),
    fingerprint: z.string().min(1),
    items: z.int().positive(),
    users: z.int().positive(),
  }),
  /** Feature table → content hash, of those that the item vectors were made of. */
  features: z.record(z.string(), z.string()).optional(),
  /** The space of each of these tables. */
  spaces: z.record(z.string(), z.string()).optional(),
  /** The run that the weights started from. */
  init: z
    .object({
      /** Its folder: absolute, or relative to this one. */
      run: z.string().min(1),
      recipe: z.string(),
      /** The fingerprint of its data. */
      dataset: z.string(),
      /** The hash of its weights. */
      weights: sha256,
    })
    .optional(),
  /** Pretrained network, as the settings name it → SHA-256 of its file, of those that the item vectors are made with. */
  networks: z.record(z.string(), z.string()).optional(),
  /** File name → SHA-256 of its bytes. Every file named here is checked when a finished run is opened. */
  files: z.record(z.string().regex(/^[^/\\]+$/), sha256),
  seconds: z.object({ train: z.number().nonnegative() }),
  bestEpoch: z.int().nonnegative(),
});
export type RunManifest = z.infer<typeof RunManifest>;

/** One line of items.jsonl: an item by internal index, with its number of training interactions. */
export const RunItem = z.object({
  id: z.string(),
  title: z.string().optional(),
  count: z.int().nonnegative(),
});
export type RunItem = z.infer<typeof RunItem>;

/** A finished run whose files are complete and unaltered. */
export interface OpenRun {
  readonly directory: string;
  readonly manifest: RunManifest;
  /** By internal index. */
  readonly items: readonly RunItem[];
}

export interface ScorerOptions {
  /** Default: one less than the machine's cores. */
  readonly threads?: number | undefined;
  /** Default: "cpu". */
  readonly device?: Device | undefined;
}

/** Loads the model of a run as a scorer; supplied by training, so that tests can put a fake in its place. */
export type OpenScorer = (run: OpenRun, options: ScorerOptions) => Promise<Scorer>;

/** Reads and validates run.json of a folder, finished or not; DataError where it is missing or of another version. */
export async function readRunManifest(directory: string): Promise<RunManifest> {
  const path = join(directory, runFiles.manifest);
  const value = await readJson(path).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.code !== "missing-file") throw error;
    const message = `${directory}: there is no ${runFiles.manifest} here, so this is not a run folder; name one that train has written`;
    throw new DataError("not-a-run", message, { directory });
  });
  return checkedManifest(path, value);
}

function checkedManifest(path: string, value: unknown): RunManifest {
  const head = z.looseObject({ kind: z.literal("sequitur-run"), format: z.number() }).safeParse(value);
  if (!head.success)
    throw new DataError("not-a-run", `${path}: this is not the manifest of a Sequitur run`, { path });
  const { format } = head.data;
  if (format !== RUN_FORMAT) {
    const message = `${path}: the run was written by format ${format}, this version reads ${RUN_FORMAT}; train again`;
    throw new DataError("other-version", message, { path, format });
  }
  const parsed = RunManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const message = `${path}: ${issue.path.join(".") || "the file"}: ${issue.message}; the file was altered, train again or restore it`;
  throw new DataError("invalid-run", message, { path });
}

/** Writes run.json, whole or not at all. */
export async function writeRunManifest(directory: string, manifest: RunManifest): Promise<void> {
  const text = `${JSON.stringify(RunManifest.parse(manifest), null, 2)}\n`;
  await writeAtomic(join(directory, runFiles.manifest), text);
}

/** Opens a finished run: validates run.json, checks every file against its hash, reads the items; DataError else. */
export async function openRun(directory: string): Promise<OpenRun> {
  const manifest = await readRunManifest(directory);
  if (manifest.status !== "finished") {
    const message = `${directory}: training has not finished; continue it with "sequitur train --resume"`;
    throw new DataError("unfinished-run", message, { directory });
  }
  // A baseline is its weights; it has no graph.
  const model = "baseline" in manifest.config ? runFiles.weights : runFiles.model;
  const files = new Set([...Object.keys(manifest.files), model, runFiles.items]);
  for (const name of files) await verifyFile(directory, name, manifest.files[name]);
  const items = await readRunItems(directory, manifest.dataset.items);
  return Object.freeze({ directory, manifest, items });
}

async function verifyFile(directory: string, name: string, expected: string | undefined): Promise<void> {
  const path = join(directory, name);
  if (expected === undefined) {
    const message = `${join(directory, runFiles.manifest)}: files has no hash of ${name}; train again or restore it`;
    throw new DataError("invalid-run", message, { path });
  }
  const actual = await sha256File(path).catch((error: unknown) => {
    if (!(error instanceof DataError) || error.code !== "missing-file") throw error;
    const message = `${path}: the file is missing from the run folder; train again or restore it`;
    throw new DataError("missing-model-file", message, { path });
  });
  if (actual === expected) return;
  const message = `${path}: does not match its hash in ${runFiles.manifest}: the file was altered or cut short; train again or restore it`;
  throw new DataError("altered-file", message, { path, expected, actual });
}

/** Reads items.jsonl, one line per internal index; DataError names the line that is wrong. */
async function readRunItems(directory: string, count: number): Promise<readonly RunItem[]> {
  const path = join(directory, runFiles.items);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length !== count) {
    const message = `${path}: has ${lines.length} items where ${runFiles.manifest} says ${count}; train again or restore it`;
    throw new DataError("invalid-items", message, { path, lines: lines.length, count });
  }
  return lines.map((line, index) => readItem(path, line, index));
}

function readItem(path: string, line: string, index: number): RunItem {
  try {
    return RunItem.parse(JSON.parse(line));
  } catch {
    const message = `${path}:${index + 1}: is not an item with id and count; train again or restore it`;
    throw new DataError("invalid-items", message, { path, line: index + 1 });
  }
}

/** The folder of the dataset a run was trained on, or the one given in its place. */
export function datasetDirectory(run: Pick<OpenRun, "directory" | "manifest">, given?: string): string {
  if (given !== undefined) return given;
  const { directory } = run.manifest.dataset;
  return isAbsolute(directory) ? directory : resolve(run.directory, directory);
}

/** True where a path holds a run.json. */
export async function isRunFolder(directory: string): Promise<boolean> {
  try {
    await readFile(join(directory, runFiles.manifest));
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return false;
    throw error;
  }
}
