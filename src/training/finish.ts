/** @file The end of a training: the deployable model, the item list, and run.json with the hash of every file. */
import { join } from "node:path";
import { embeddingHealth } from "../content/health.ts";
import { named } from "../content/table-health.ts";
import { type Dataset, type Item, readItems } from "../data/dataset.ts";
import { sha256File, writeAtomic } from "../data/files.ts";
import type { Split } from "../data/split.ts";
import { type RunManifest, runFiles, writeRunManifest } from "../evaluation/run-folder.ts";
import type { Graph } from "../graph/graph.ts";
import { historyLength, isBaseline, type ModelConfig, type RecipeConfig } from "../models/config.ts";
import { servingStep } from "../models/steps.ts";
import { derivesItems } from "../models/trace.ts";
import { writeOnnx } from "../onnx/write.ts";
import { itemVectors } from "../retrieval/item-vectors.ts";
import { countItems } from "../retrieval/popularity.ts";
import { outputVectors } from "../retrieval/vector-tables.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Tensor } from "../tensor/spec.ts";
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
  const items = await readItems(dataset);
  const counts = countItems(split.training.sequence, items.length);
  const model = isBaseline(config) ? [] : await finishModel(out, { config, manifest, items, counts });
  await writeAtomic(join(out, runFiles.items), itemLines(items, counts));
  const fields = items.some((item) => Object.keys(item.fields).length > 0) ? [runFiles.fields] : [];
  if (fields.length > 0) await writeAtomic(join(out, runFiles.fields), fieldLines(items));
  await writeMetrics(out, state);
  const names = [runFiles.weights, ...model, runFiles.items, ...fields, runFiles.metrics];
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

interface Finished {
  readonly config: RecipeConfig;
  readonly manifest: RunManifest;
  readonly items: readonly Item[];
  /** Training interactions of each item. */
  readonly counts: Int32Array;
}

/** Writes the deployable model and the health of its item vectors; the names of the model's files. */
async function finishModel(out: string, finished: Finished): Promise<string[]> {
  const { config, items, counts } = finished;
  const params = await readRunParams(out, config);
  await writeAtomic(join(out, runFiles.model), writeOnnx(deployable(params, finished)));
  const threads = config.training.threads || undefined;
  const kept = await itemVectors({ config, items: items.length, params, threads, runtime: nodeRuntime });
  const values = outputVectors(kept, items.length, config.scoring);
  const embeddings = {
    values,
    dim: values.length / items.length,
    present: new Uint8Array(items.length).fill(1),
  };
  const health = await embeddingHealth(embeddings, { popularity: counts, samples: 6, near: 5, threads });
  await writeAtomic(join(out, runFiles.health), `${JSON.stringify(named(health, items), null, 2)}\n`);
  return [...(derivesItems(config) ? [runFiles.vectors] : []), runFiles.model, runFiles.health];
}

/** The scoring graph with the trained weights, which says by itself whose scores it gives: any runtime of ONNX can use it. */
function deployable(params: Readonly<Record<string, Tensor>>, { config, manifest, items }: Finished): Graph {
  const { recipe, dataset, seed, split } = manifest;
  const graph = servingStep(config, dataset.items);
  for (const [name, param] of graph.params) param.data = params[name] ?? null;
  Object.assign(graph.metadata, {
    recipe,
    fingerprint: dataset.fingerprint,
    split: JSON.stringify(split),
    config: JSON.stringify(config),
    seed: String(seed),
    item_ids: JSON.stringify(items.map(({ id }) => id)),
    usage: [
      `item: the last ${historyLength(config)} items of each history, the most recent last, as places in item_ids,`,
      "with -1 at the left where a history is shorter; scores: one for each of item_ids, in this order",
    ].join(" "),
  });
  return graph;
}

function itemLines(items: readonly Item[], counts: Int32Array): string {
  return items
    .map(
      ({ id, title }, i) =>
        `${JSON.stringify({ id, ...(title === undefined ? {} : { title }), count: counts[i] })}\n`,
    )
    .join("");
}

const fieldLines = (items: readonly Item[]): string =>
  items.map(({ fields }) => `${JSON.stringify(fields)}\n`).join("");
