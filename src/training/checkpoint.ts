/** @file Checkpoints: everything a training needs to go on as if nothing had happened, in one file. */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemCode, writeAtomic } from "../data/files.ts";
import { readTensors, writeTensors } from "../data/tensors.ts";
import { runFiles } from "../evaluation/run-folder.ts";
import { DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import type { Weights } from "./learner.ts";

/** One line of metrics.jsonl. */
export interface EpochLine {
  readonly epoch: number;
  /** Mean training loss over the epoch's tokens, in nats. */
  readonly loss: number;
  readonly learningRate: number;
  readonly validation: Readonly<Record<string, number>>;
  readonly interactionsPerSecond: number;
  readonly seconds: number;
}

/** How far a training has come. */
export interface State {
  readonly history: readonly EpochLine[];
  readonly bestEpoch: number;
  /** Seconds of training so far, over all sessions. */
  readonly seconds: number;
}

export interface Checkpoint {
  readonly weights: Weights;
  readonly state: State;
}

const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>): [string, Tensor][] =>
  Object.entries(tensors).map(([name, tensor]) => [`${prefix}/${name}`, tensor]);

/** Writes the checkpoint and the metrics that belong to it, each whole or not at all. */
export async function writeCheckpoint(run: string, { weights, state }: Checkpoint): Promise<void> {
  const tensors = Object.fromEntries([
    ...prefixed("param", weights.params),
    ...Object.entries(weights.slots).flatMap(([slot, each]) => prefixed(`slot/${slot}`, each)),
    ...(weights.average ? prefixed("average", weights.average) : []),
  ]);
  const metadata = { step: String(weights.step), state: JSON.stringify(state) };
  await writeTensors(join(run, runFiles.checkpoint), tensors, metadata);
  await writeMetrics(run, state);
}

export async function writeMetrics(run: string, { history }: State): Promise<void> {
  await writeAtomic(join(run, runFiles.metrics), history.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

/** The checkpoint of a run folder, or null where training was stopped before the first. @throws DataError */
export async function readCheckpoint(run: string): Promise<Checkpoint | null> {
  const path = join(run, runFiles.checkpoint);
  if (!(await isThere(path))) return null;
  const { tensors, metadata } = await readTensors(path);
  const part = (prefix: string): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(tensors).flatMap(([name, t]) =>
        name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), t]] : [],
      ),
    );
  if (!metadata.state || !metadata.step) {
    throw new DataError("bad-checkpoint", `${path}: this is not a checkpoint of a training; train again`, {
      path,
    });
  }
  const slots = new Set(
    Object.keys(tensors).flatMap((name) => (name.startsWith("slot/") ? [name.split("/")[1]!] : [])),
  );
  const average = part("average");
  const weights: Weights = {
    params: part("param"),
    slots: Object.fromEntries([...slots].map((slot) => [slot, part(`slot/${slot}`)])),
    average: Object.keys(average).length > 0 ? average : null,
    step: Number(metadata.step),
  };
  return { weights, state: stateOf(metadata.state, path) };
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (systemCode(error) === "ENOENT") return false;
      throw error;
    },
  );

function stateOf(text: string, path: string): State {
  try {
    return JSON.parse(text) as State;
  } catch {
    throw new DataError("bad-checkpoint", `${path}: the checkpoint was altered; restore it or train again`, {
      path,
    });
  }
}

/** Removes temporary files that a killed training left behind. */
export async function removeLeftovers(run: string): Promise<void> {
  for (const name of await readdir(run)) {
    if (name.startsWith(".") && name.endsWith(".tmp")) await rm(join(run, name), { force: true });
  }
}
