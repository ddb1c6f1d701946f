/** @file The item encoder of a model as a program: item vectors from weights, constants and rows of tables. */
import { partOf, type RecipeConfig } from "../models/config.ts";
import type { Networks } from "../models/define.ts";
import { itemStep } from "../models/steps.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Tensor } from "../tensor/spec.ts";

export interface ItemEncoderOptions {
  readonly config: RecipeConfig;
  /** The most items that are encoded at once, unless the encoder takes fewer: each may take much memory. */
  readonly rows: number;
  /** The pretrained networks that the encoder is made of. */
  readonly networks?: Networks | undefined;
  readonly runtime: Runtime;
  readonly threads?: number | undefined;
}

export interface ItemEncoderProgram {
  /** Full names of the parameters that have a row for each item. */
  readonly tables: ReadonlySet<string>;
  /** D, the width of a vector; 2D where those of histories and of scores are separate. */
  readonly width: number;
  /**
   * Vectors [N, width] of `items` items into `into`; `params` holds weights and constants by name, tables with N rows.
   * @throws ConfigError where one is missing
   */
  encode(params: Readonly<Record<string, Tensor>>, items: number, into: Float32Array): Promise<void>;
  dispose(): Promise<void>;
}

/** The most items that are encoded at once. */
export const mostRows = 16_384;

/** Compiles the encoder. A call of fewer items than `rows` computes rows that nobody reads. */
export async function openItemEncoder(options: ItemEncoderOptions): Promise<ItemEncoderProgram> {
  const { config, runtime, threads, networks } = options;
  const most = partOf("items", config.items.name).atOnce?.(config.items as never) ?? options.rows;
  const rows = Math.min(most, options.rows);
  const { graph, params: declared } = itemStep(config, rows, networks);
  // What has values since it was traced is compiled in.
  for (const [name, { data }] of graph.params) if (data === null) graph.frozen.delete(name);
  const program = await runtime.compile(graph, { threads, params: "trained" });
  const width = graph.outputs.get("vectors")!.size(-1) as number;
  const names = [...graph.params.keys()].filter((name) => !graph.frozen.has(name));
  return {
    tables: declared.tables,
    width,
    async encode(params, items, into) {
      for (let from = 0; from < items; from += rows) {
        const feeds = names.flatMap((name) => {
          const tensor = params[name];
          if (!tensor) return [];
          return [[name, declared.tables.has(name) ? someRows(tensor, from, rows) : tensor] as const];
        });
        const { vectors } = await program.run(Object.fromEntries(feeds));
        const made = vectors!.data as Float32Array;
        into.set(made.subarray(0, Math.min(rows, items - from) * width), from * width);
      }
    },
    dispose: () => program.dispose(),
  };
}

/** Rows of a table from a place on, filled up with zeros at its end. */
function someRows({ data, shape }: Tensor, from: number, rows: number): Tensor {
  const width = data.length / shape[0]!;
  const part = (data as Float32Array).subarray(from * width, (from + rows) * width);
  const given = { data: part, shape: [rows, ...shape.slice(1)] };
  if (part.length === rows * width) return given;
  const filled = new (data.constructor as Float32ArrayConstructor)(rows * width);
  filled.set(part);
  return { ...given, data: filled };
}
