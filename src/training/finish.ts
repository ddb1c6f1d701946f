/** @file The end of a training: the deployable model, the item list, and run.json with the hash of every file. */
import { join } from "node:path";
import { type Dataset, type Item, readItems } from "../data/dataset.ts";
import { sha256File, writeAtomic } from "../data/files.ts";
import type { Split } from "../data/split.ts";
import { type RunManifest, runFiles, writeRunManifest } from "../evaluation/run-folder.ts";
import type { Graph } from "../graph/graph.ts";
import { historyLength, isBaseline, type ModelConfig, type RecipeConfig } from "../models/config.ts";
import { servingStep } from "../models/steps.ts";
import { derivesItems } from "../models/trace.ts";
import { writeOnnx } from "../onnx/write.ts";
import { countItems } from "../retrieval/popularity.ts";
import { type State, writeMetrics } from "./checkpoint.ts";
import { readRunParams } from "./ready-vectors.ts";

export interface FinishOptions {
  readonly out: string;
  readonly manifest: RunManifest;
  readonly config: ModelConfig;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly state: State;
}

/** Writes what serving needs; run.json says "finished" only when everything else is in place. */
export async function finishRun({
  out,
  manifest,
  config,
  dataset,
  split,
  state,
}: FinishOptions): Promise<void> {
  const graph = isBaseline(config) ? null : await deployable(out, config, manifest, dataset.items);
  if (graph) await writeAtomic(join(out, runFiles.model), writeOnnx(graph));
  const items = await readItems(dataset);
  await writeAtomic(join(out, runFiles.items), itemLines(items, dataset, split));
  const fields = items.some((item) => Object.keys(item.fields).length > 0) ? [runFiles.fields] : [];
  if (fields.length > 0) await writeAtomic(join(out, runFiles.fields), fieldLines(items));
  await writeMetrics(out, state);
  const vectors = !isBaseline(config) && derivesItems(config) ? [runFiles.vectors] : [];
  const model = graph ? [runFiles.model] : [];
  const names = [runFiles.weights, ...vectors, ...model, runFiles.items, ...fields, runFiles.metrics];
  const files = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await sha256File(join(out, name))] as const)),
  );
  const seconds = { train: state.seconds };
  await writeRunManifest(out, {
    ...manifest,
    status: "finished",
    files,
    seconds,
    bestEpoch: state.bestEpoch,
  });
}

/** The scoring graph with the trained weights, which says by itself whose scores it gives: any runtime of ONNX can use it. */
async function deployable(
  out: string,
  config: RecipeConfig,
  { recipe, dataset, seed, split }: RunManifest,
  items: readonly string[],
): Promise<Graph> {
  const tensors = await readRunParams(out, config);
  const graph = servingStep(config, dataset.items);
  for (const [name, param] of graph.params) param.data = tensors[name] ?? null;
  Object.assign(graph.metadata, {
    recipe,
    fingerprint: dataset.fingerprint,
    split: JSON.stringify(split),
    config: JSON.stringify(config),
    seed: String(seed),
    item_ids: JSON.stringify(items),
    usage: [
      `item: the last ${historyLength(config)} items of each history, the most recent last, as places in item_ids,`,
      "with -1 at the left where a history is shorter; scores: one for each of item_ids, in this order",
    ].join(" "),
  });
  return graph;
}

function itemLines(items: readonly Item[], dataset: Dataset, { training }: Split): string {
  const counts = countItems(training.sequence, dataset.items.length);
  return items
    .map(
      ({ id, title }, i) =>
        `${JSON.stringify({ id, ...(title === undefined ? {} : { title }), count: counts[i] })}\n`,
    )
    .join("");
}

const fieldLines = (items: readonly Item[]): string =>
  items.map(({ fields }) => `${JSON.stringify(fields)}\n`).join("");
