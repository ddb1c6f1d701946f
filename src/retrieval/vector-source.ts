/** @file A model as a source: histories become states, whose nearest item vectors an index finds. */
import type { Graph } from "../graph/graph.ts";
import { historyLength, type RecipeConfig } from "../models/config.ts";
import { stateStep } from "../models/steps.ts";
import type { Device } from "../runtime/device.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { buildIndex, type IndexOptions } from "./build-index.ts";
import type { Interactions } from "./fallbacks.ts";
import { itemVectors } from "./item-vectors.ts";
import { rowLayout } from "./model-scorer.ts";
import { openPrior } from "./prior.ts";
import type { Source } from "./source.ts";
import { historyEncoder, stateSource } from "./state-source.ts";
import { userSample } from "./user-sample.ts";
import { isLive } from "./vector-table.ts";
import { createVectorTables } from "./vector-tables.ts";

/** A model with its weights. */
export interface TrainedModel {
  readonly config: RecipeConfig;
  /** Number of items. */
  readonly items: number;
  readonly params: Readonly<Record<string, Tensor>>;
}

export interface VectorSourceOptions extends Omit<IndexOptions, "sample">, TrainedModel {
  /** Where states are computed: on the calling thread, so that this belongs into a worker. */
  readonly runtime: Runtime;
  readonly device?: Device | undefined;
  /** Histories of users, by which the index is measured. */
  readonly interactions?: Interactions | undefined;
}

/** Compiles the states of a model and builds the index of its items. */
export async function vectorSource(options: VectorSourceOptions): Promise<Source> {
  const { config, items, params, runtime, device, threads, interactions } = options;
  const program = await runtime.compile(stateGraph(options), {
    threads,
    device,
    params: "stored",
    shapes: "open",
  });
  const vectors = await itemVectors(options);
  const tables = createVectorTables(vectors, items, config.scoring);
  const maxLength = historyLength(config);
  const layout = rowLayout(config);
  const prior = openPrior(config, items, params);
  const encode = historyEncoder({ program, layout, tables });
  const usable = (row: number): boolean => isLive(tables.output, row);
  const sample =
    interactions && !prior // with a prior the index is only asked for items like one
      ? () => userSample({ interactions, encode, maxLength, usable })
      : undefined;
  const { index, report } = await buildIndex(tables.output, { ...options, sample });
  return stateSource({ items, maxLength, layout, program, tables, index, report, prior });
}

/** `stateStep` with the weights of the model. */
export function stateGraph({ config, items, params }: TrainedModel): Graph {
  const graph = stateStep(config, items);
  for (const [name, param] of graph.params) param.data = params[name] ?? null;
  return graph;
}
