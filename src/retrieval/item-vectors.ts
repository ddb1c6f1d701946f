/** @file The vectors of a model's items. */
import type { RecipeConfig } from "../models/config.ts";
import { vectorStep } from "../models/steps.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";

export interface ItemVectorsOptions {
  readonly config: RecipeConfig;
  /** Number of items, N. */
  readonly items: number;
  readonly params: Readonly<Record<string, Tensor>>;
  readonly runtime: Runtime;
  readonly threads?: number | undefined;
}

/** The item vectors as `keptVectors` lays them: [N, D], or [N, 2D] where they are separate; in memory that may be changed. */
export async function itemVectors(options: ItemVectorsOptions): Promise<Float32Array> {
  const { config, items, params, runtime, threads } = options;
  const graph = vectorStep(config, items);
  const output = graph.outputs.get("vectors");
  for (const [name, param] of graph.params) {
    if (param.value === output) return params[name]!.data as Float32Array; // nothing to compute, nor to hold twice
    param.data = params[name] ?? null;
  }
  const program = await runtime.compile(graph, { threads, params: "stored" });
  const { vectors } = await program.run({});
  await program.dispose();
  return vectors!.data as Float32Array;
}
