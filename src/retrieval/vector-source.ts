/** @file A model as a source: histories become states, whose nearest item vectors an index finds. */
import type { Graph } from "../graph/graph.ts";
import { historyLength, type RecipeConfig } from "../models/config.ts";
import { stateStep } from "../models/steps.ts";
import type { Device } from "../runtime/device.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { buildIndex, type IndexOptions } from "./build-index.ts";
import { itemVectors } from "./item-vectors.ts";
import { rowLayout } from "./model-scorer.ts";
import { openPrior } from "./prior.ts";
import type { Source } from "./source.ts";
import { stateSource } from "./state-source.ts";
import { createVectorTables } from "./vector-tables.ts";

/** A model with its weights. */
export interface TrainedModel {
  readonly config: RecipeConfig;
  /** Number of items. */
  readonly items: number;
  readonly params: Readonly<Record<string, Tensor>>;
}

export interface VectorSourceOptions extends IndexOptions, TrainedModel {
  /** Where states are computed: on the calling thread, so that this belongs into a worker. */
  readonly runtime: Runtime;
  readonly device?: Device | undefined;
}

/** Compiles the states of a model and builds the index of its items. */
export async function vectorSource(options: VectorSourceOptions): Promise<Source> {
  const { config, items, params, runtime, device, threads } = options;
  const program = await runtime.compile(stateGraph(options), {
    threads,
    device,
    params: "stored",
    shapes: "open",
  });
  const vectors = await itemVectors(options);
  const tables = createVectorTables(vectors, items, config.scoring);
  const { index, report } = await buildIndex(tables.output, options);
  return stateSource({
    items,
    maxLength: historyLength(config),
    layout: rowLayout(config),
    program,
    tables,
    index,
    report,
    prior: openPrior(config, items, params),
  });
}

/** `stateStep` with the weights of the model. */
export function stateGraph({ config, items, params }: TrainedModel): Graph {
  const graph = stateStep(config, items);
  for (const [name, param] of graph.params) param.data = params[name] ?? null;
  return graph;
}
