/** @file The vectors of all items, ready for what scores: made by the item encoder after each epoch, kept in the run folder. */
import { join } from "node:path";
import { readTensors, writeTensors } from "../data/tensors.ts";
import { runFiles } from "../evaluation/run-folder.ts";
import type { RecipeConfig } from "../models/config.ts";
import type { Networks } from "../models/define.ts";
import { derivesItems, readyItems } from "../models/trace.ts";
import { mostRows, openItemEncoder } from "../retrieval/item-encoder.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";

type Tensors = Readonly<Record<string, Tensor>>;

export interface ReadyVectors {
  /** For a scorer, by parameter name; its values change with `refresh`. */
  readonly params: Tensors;
  /** Makes them anew from weights and constants. */
  refresh(params: Tensors): Promise<void>;
}

export interface ReadyOptions {
  readonly runtime: Runtime;
  readonly threads: number;
  /** The pretrained networks that vectors are made with. */
  readonly networks?: Networks | undefined;
}

/** null where item vectors are weights themselves, which need no making. */
export async function openReadyVectors(
  config: RecipeConfig,
  items: number,
  { runtime, threads, networks }: ReadyOptions,
): Promise<ReadyVectors | null> {
  if (!derivesItems(config)) return null;
  const rows = Math.min(items, mostRows);
  const encoder = await openItemEncoder({ config, rows, runtime, threads, networks });
  const data = new Float32Array(new SharedArrayBuffer(4 * items * encoder.width));
  return {
    params: { [readyItems]: { data, shape: [items, encoder.width] } },
    refresh: (params) => encoder.encode(params, items, data),
  };
}

/** Writes what a run keeps of its best epoch. */
export async function writeBest(run: string, weights: Tensors, ready: ReadyVectors | null): Promise<void> {
  await writeTensors(join(run, runFiles.weights), weights);
  if (ready) await writeTensors(join(run, runFiles.vectors), ready.params);
}

/** The weights of a run, and what of its content the encoder needs for other items. */
export const readRunWeights = async (run: string): Promise<Record<string, Tensor>> =>
  (await readTensors(join(run, runFiles.weights))).tensors;

/** The weights of a run and, where they are derived, its item vectors: all that the graphs of a trained model ask for. */
export async function readRunParams(run: string, config: RecipeConfig): Promise<Record<string, Tensor>> {
  const tensors = await readRunWeights(run);
  if (!derivesItems(config)) return tensors;
  return { ...tensors, ...(await readTensors(join(run, runFiles.vectors))).tensors };
}
