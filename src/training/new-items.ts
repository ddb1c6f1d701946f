/** @file Vectors of items that a run has never met, from their content alone. */
import type { FeatureTable } from "../data/features.ts";
import type { OpenRun } from "../evaluation/run-folder.ts";
import { isBaseline, type ModelConfig, partOf, type RecipeConfig } from "../models/config.ts";
import type { ItemContent } from "../models/items/content.ts";
import { openItemEncoder } from "../retrieval/item-encoder.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { itemConstants } from "./learner.ts";
import { readRunParams } from "./ready-vectors.ts";

/** Features of an item by the name of their table; what is missing is not known of it. */
export type NewItem = Readonly<Record<string, Float32Array | undefined>>;

export interface NewItemEncoder {
  /** Names of the feature tables that the vectors are made of. */
  readonly tables: readonly string[];
  /** D, the width of a vector. */
  readonly width: number;
  /**
   * Vectors [K, D] such as those of the run's own items; they have no id of their own.
   *
   * @throws DataError where features are not such as those of training
   */
  encode(items: readonly NewItem[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** Items that are encoded at once. */
const rows = 64;

/** The item encoder of a finished run. @throws ConfigError where its items are known by their ids alone */
export async function openNewItems(run: OpenRun, runtime: Runtime, threads = 1): Promise<NewItemEncoder> {
  const config = run.manifest.config as unknown as ModelConfig;
  const widths = isBaseline(config) ? new Map<string, number>() : tableWidths(config);
  if (isBaseline(config) || widths.size === 0) {
    const message = `${run.directory}: ${run.manifest.recipe} knows items by their ids alone; train sasrec-text, whose items can be new`;
    throw new ConfigError("ids-alone", message, { run: run.directory });
  }
  const weights = await readRunParams(run.directory, config);
  const encoder = await openItemEncoder({ config, rows, runtime, threads });
  return {
    tables: [...widths.keys()],
    width: encoder.width,
    async encode(items) {
      const given = await itemConstants(config, newContent(widths, items));
      const learned = [...encoder.tables].filter((name) => weights[name]);
      const own = learned.map((name) => [name, noRows(weights[name]!, items.length)] as const);
      const into = new Float32Array(items.length * encoder.width);
      await encoder.encode({ ...given, ...weights, ...Object.fromEntries(own) }, items.length, into);
      return into;
    },
    dispose: () => encoder.dispose(),
  };
}

/** What an item without a row has in a table of weights: nothing. */
function noRows({ data, shape }: Tensor, items: number): Tensor {
  return { data: new Float32Array((items * data.length) / shape[0]!), shape: [items, ...shape.slice(1)] };
}

/** Columns of the feature tables that item vectors are made of. */
function tableWidths({ items }: RecipeConfig): Map<string, number> {
  const used = partOf("items", items.name).tables?.(items as never) ?? [];
  return new Map(used.flatMap(({ table, columns }) => (columns > 0 ? [[table, columns] as const] : [])));
}

/** Content of which only features are known, and that nobody has met. */
const newContent = (widths: ReadonlyMap<string, number>, items: readonly NewItem[]): ItemContent => ({
  where: "the new items",
  counts: new Int32Array(items.length),
  tables: async () => [...widths.keys()],
  features: async (name) => tableOf(name, widths.get(name)!, items),
  items: async () => items.map((_, k) => ({ id: String(k), fields: {} })),
});

function tableOf(name: string, dim: number, items: readonly NewItem[]): FeatureTable {
  const values = new Float32Array(items.length * dim);
  const present = new Uint8Array(items.length);
  items.forEach((item, k) => {
    const features = item[name];
    if (!features) return;
    if (features.length !== dim || !features.every(Number.isFinite)) {
      const message = `new item ${k}: features "${name}" must be ${dim} finite numbers, as in training`;
      throw new DataError("bad-features", message, { name, item: k });
    }
    values.set(features, k * dim);
    present[k] = 1;
  });
  return { name, dim, values, present, source: {}, contentHash: "" };
}
