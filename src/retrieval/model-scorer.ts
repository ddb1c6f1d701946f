/** @file A model as a scorer: histories are packed into rows, encoded and compared with every item, in a worker. */
import type { RecipeConfig } from "../models/config.ts";
import { scoreStep } from "../models/steps.ts";
import type { Device } from "../runtime/device.ts";
import type { Feeds, Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";
import { type Histories, type Scorer, scoringBatch } from "./scorer.ts";

/** Histories packed into rows of `width` tokens, and the flat place of each history's most recent item. */
export interface PackedHistories {
  readonly rows: number;
  readonly item: Int32Array;
  readonly position: Int32Array;
  readonly segment: Int32Array;
  readonly last: Int32Array;
}

/** Lays histories end to end, first row that has room. */
export function packForScoring({ offsets, items }: Histories, width: number): PackedHistories {
  const histories = offsets.length - 1;
  const row = new Int32Array(histories);
  const start = new Int32Array(histories);
  const filled: number[] = [];
  let open = 0; // rows before this one are full but for crumbs
  for (let q = 0; q < histories; q++) {
    const length = offsets[q + 1]! - offsets[q]!;
    let r = open;
    while (r < filled.length && filled[r]! + length > width) r++;
    row[q] = r;
    start[q] = filled[r] ?? 0;
    filled[r] = start[q]! + length;
    while (open < filled.length && filled[open]! >= width - 1) open++;
  }
  const rows = Math.max(1, filled.length);
  const ints = (): Int32Array => new Int32Array(rows * width);
  const packed = { rows, item: ints(), position: ints(), segment: ints(), last: new Int32Array(histories) };
  for (let q = 0; q < histories; q++) {
    const length = offsets[q + 1]! - offsets[q]!;
    const at = row[q]! * width + start[q]!;
    for (let k = 0; k < length; k++) {
      packed.item[at + k] = items[offsets[q]! + k]!;
      packed.position[at + k] = length - 1 - k;
      packed.segment[at + k] = q + 1;
    }
    packed.last[q] = at + length - 1;
  }
  return packed;
}

export interface ModelScorerOptions {
  readonly config: RecipeConfig;
  /** Number of items. */
  readonly items: number;
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
  const { config, items, params, mode, runtime, threads, device, version } = options;
  const batch = options.batch ?? scoringBatch(items);
  const graph = scoreStep(config, items);
  if (mode === "stored") for (const [name, param] of graph.params) param.data = params[name] ?? null;
  const program = await runtime.compile(graph, { threads, device, params: mode, shapes: "open" });
  const width = config.training.rowLength;
  return {
    items,
    batch,
    maxLength: config.training.maxLength,
    async score(histories) {
      const { rows, item, position, segment, last } = packForScoring(histories, width);
      const grid = (data: Int32Array): Tensor => ({ data, shape: [rows, width] });
      const inputs = { item: grid(item), position: grid(position), segment: grid(segment) };
      const given = mode === "fed" ? versioned(params, version?.()) : {};
      const { scores } = await program.run({
        ...given,
        ...inputs,
        last: { data: last, shape: [last.length] },
      });
      return scores!.data as Float32Array;
    },
    dispose: () => program.dispose(),
  };
}
