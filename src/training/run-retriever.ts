/** @file The retriever of a run on the calling thread: what the worker does. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readItems } from "../data/dataset.ts";
import { unreadable } from "../data/files.ts";
import { readTensors } from "../data/tensors.ts";
import { runFiles } from "../evaluation/run-folder.ts";
import { isBaseline, type ModelConfig } from "../models/config.ts";
import type { ItemFields } from "../retrieval/attributes.ts";
import { baselineScorer } from "../retrieval/baseline-scorer.ts";
import type { IndexOptions } from "../retrieval/build-index.ts";
import type { Interactions } from "../retrieval/fallbacks.ts";
import { createRetriever, type Retriever } from "../retrieval/retriever.ts";
import { type Source, scoreSource } from "../retrieval/source.ts";
import { vectorSource } from "../retrieval/vector-source.ts";
import type { Device } from "../runtime/device.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { readRunParams } from "./ready-vectors.ts";

/** What a worker is told about a run. */
export interface RetrieverSpec extends Omit<IndexOptions, "onMessage" | "sample"> {
  /** The run folder. */
  readonly directory: string;
  readonly config: ModelConfig;
  /** Training interactions of each item. */
  readonly counts: Int32Array;
  /** Where the fields of the items are: a file of the run, or a dataset folder; neither where there are none. */
  readonly fields: { readonly file?: string | undefined; readonly dataset?: string | undefined };
  readonly interactions?: Interactions | undefined;
  readonly device?: Device | undefined;
}

/** Opens what a spec describes. A search blocks this thread. */
export async function runRetriever(
  spec: RetrieverSpec,
  onMessage?: (text: string) => void,
): Promise<Retriever> {
  const { counts, interactions } = spec;
  const source = await openSource(spec, onMessage);
  return createRetriever({ source, counts, interactions, fields: await readFields(spec.fields) });
}

async function openSource(spec: RetrieverSpec, onMessage: IndexOptions["onMessage"]): Promise<Source> {
  const { directory, config, counts, index, threads, buildThreads, cache, device, interactions } = spec;
  const items = counts.length;
  if (isBaseline(config)) {
    const { tensors } = await readTensors(join(directory, runFiles.weights));
    return scoreSource(
      await baselineScorer(config, { items, state: tensors, runtime: nodeRuntime, threads }),
    );
  }
  const params = await readRunParams(directory, config);
  const search = { index, threads, buildThreads, cache, onMessage };
  return vectorSource({ config, items, params, ...search, interactions, device, runtime: nodeRuntime });
}

/** Fields of each item, by its index. @throws DataError where the file or the folder cannot be read */
export async function readFields({ file, dataset }: RetrieverSpec["fields"]): Promise<readonly ItemFields[]> {
  if (file === undefined)
    return dataset === undefined ? [] : (await readItems({ directory: dataset })).map(({ fields }) => fields);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw unreadable(file, error);
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as ItemFields);
}
