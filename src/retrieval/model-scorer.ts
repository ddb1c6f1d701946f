/** @file A model as a scorer: histories are laid in rows, encoded and compared with every item, in a worker. */
import { historyLength, maskingOf, needsOf, type RecipeConfig, rowWidth } from "../models/config.ts";
import { scoreStep } from "../models/steps.ts";
import type { Device } from "../runtime/device.ts";
import type { Feeds, Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { historyFeeds, type RowLayout } from "./history-rows.ts";
import { openPrior } from "./prior.ts";
import { historyAt, type Scorer, scoringBatch } from "./scorer.ts";

/** The rows that the graphs of a model ask for. */
export function rowLayout(config: RecipeConfig): RowLayout {
  const { rows, times } = needsOf(config);
  return { width: rowWidth(config), rows, end: maskingOf(config) ? "hidden" : "item", times };
}

export interface ModelScorerOptions {
  readonly config: RecipeConfig;
  /** Number of items. */
  readonly items: number;
  /** By name; those of the item encoder are not needed where its vectors are given ready. */
  readonly params: Readonly<Record<string, Tensor>>;
  /** A number that changes when the values of `params` do: while it stays, fed parameters are not copied again. */
  readonly version?: () => number;
  /** "stored": compiled in, for serving; "fed": read again at every call, for validation while training. */
  readonly mode: "stored" | "fed";
  readonly runtime: Runtime;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  /** Most histories a call takes; by default what memory allows. */
  readonly batch?: number;
}

/** Threads for a scorer where so many may be used: one is left to the caller, who ranks while the next chunk is scored. */
export const scoringThreads = (threads: number): number => Math.max(1, threads - 1);

const versioned = (params: Readonly<Record<string, Tensor>>, version: number | undefined): Feeds =>
  version === undefined
    ? params
    : Object.fromEntries(Object.entries(params).map(([name, tensor]) => [name, { ...tensor, version }]));

/** Compiles the scorer of a model. Any number of histories up to `batch` runs in the one program. */
export async function modelScorer(options: ModelScorerOptions): Promise<Scorer> {
  const { config, items, mode, runtime, threads, device, version } = options;
  const batch = options.batch ?? scoringBatch(items);
  const graph = scoreStep(config, items);
  const own = Object.entries(options.params).filter(([name]) => graph.params.has(name));
  const params = Object.fromEntries(own);
  if (mode === "stored") for (const [name, param] of graph.params) param.data = params[name] ?? null;
  const program = await runtime.compile(graph, { threads, device, params: mode, shapes: "open" });
  const prior = openPrior(config, items, options.params);
  const layout = rowLayout(config);
  return {
    items,
    batch,
    maxLength: historyLength(config),
    async score(histories) {
      const given = mode === "fed" ? versioned(params, version?.()) : {};
      const { scores } = await program.run({ ...given, ...historyFeeds(layout, histories) });
      const rows = scores!.data as Float32Array;
      if (prior)
        for (let q = 0; q < rows.length / items; q++)
          prior.add(historyAt(histories, q), rows.subarray(q * items, (q + 1) * items));
      return rows;
    },
    dispose: () => program.dispose(),
  };
}
