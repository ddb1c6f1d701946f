/** @file Vectors of items that a run has never met, from their content alone; and of those it has met, from other content. */

import { itemPictures } from "../content/item-pictures.ts";
import { itemTokens } from "../content/item-tokens.ts";
import { openNetwork } from "../content/network.ts";
import type { Item } from "../data/dataset.ts";
import type { FeatureHome, FeatureTable } from "../data/features.ts";
import { isBaseline, type ModelConfig, partOf, type RecipeConfig } from "../models/config.ts";
import type { Networks } from "../models/define.ts";
import type { ItemContent } from "../models/items/content.ts";
import { type ContentTable, unfitFeatures } from "../retrieval/content-reader.ts";
import { openItemEncoder } from "../retrieval/item-encoder.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { itemConstants, itemNetworks } from "./learner.ts";
import { readRunWeights } from "./ready-vectors.ts";

/** What is known of an item. */
export interface NewItem {
  readonly item: Item;
  /** By the name of their table; what is missing is not known of it. */
  readonly features: Readonly<Record<string, Float32Array | undefined>>;
  /** Its row in the run, where training has met it. */
  readonly row?: number | undefined;
}

/** A finished run, as far as its item vectors go. */
export interface TrainedItems {
  /** The run folder. */
  readonly directory: string;
  readonly recipe: string;
  readonly config: ModelConfig;
  /** Training interactions of each item. */
  readonly counts: Int32Array;
  /** The dataset of the run, in whose folder of pictures those of new items are looked for; absent where it was not found. */
  readonly dataset?: FeatureHome | undefined;
  /** Pretrained network → what its file was when the run was trained. */
  readonly networks?: Readonly<Record<string, string>> | undefined;
}

export interface EncodedItems {
  /** [K, width] */
  readonly vectors: Float32Array;
  /** [K]: 1 for items that the model can tell from others. */
  readonly known: Uint8Array;
}

export interface NewItemEncoder {
  /** The feature tables that the vectors are made of. */
  readonly tables: readonly ContentTable[];
  /** D, the width of a vector; 2D where those of histories and of scores are separate. */
  readonly width: number;
  /**
   * Vectors such as those of the run's own items; items without a row have no id of their own.
   *
   * @throws DataError where features are not such as those of training
   */
  encode(items: readonly NewItem[]): Promise<EncodedItems>;
  dispose(): Promise<void>;
}

/** Items that are encoded at once. */
const rows = 64;

/** The item encoder of a finished run. @throws ConfigError where its items are known by their ids alone */
export async function openNewItems(
  run: TrainedItems,
  runtime: Runtime,
  threads = 1,
): Promise<NewItemEncoder> {
  const { config, directory } = run;
  if (!readsContent(config)) throw new ConfigError("ids-alone", idsAlone(run.recipe), { run: directory });
  const tables = contentTables(config);
  const weights = await readRunWeights(directory);
  const networks = await itemNetworks(config, newContent(run, tables, []));
  refuseOtherNetworks(run, networks);
  const encoder = await openItemEncoder({ config, rows, runtime, threads, networks });
  return {
    tables,
    width: encoder.width,
    async encode(items) {
      const given = await itemConstants(config, newContent(run, tables, items));
      const learned = [...encoder.tables].filter((name) => weights[name]);
      const own = learned.map((name) => [name, rowsOf(weights[name]!, items)] as const);
      const into = new Float32Array(items.length * encoder.width);
      await encoder.encode({ ...given, ...weights, ...Object.fromEntries(own) }, items.length, into);
      const marks = contentMarks(given);
      const isKnown = ({ row }: NewItem, k: number): boolean =>
        row !== undefined || marks.some((own) => own[k]! > 0);
      return { vectors: into, known: Uint8Array.from(items, (item, k) => Number(isKnown(item, k))) };
    },
    dispose: () => encoder.dispose(),
  };
}

/** What item encoders call the constants that say whether an item has such content: [K] each. */
const contentMarks = (constants: Readonly<Record<string, Tensor>>): Float32Array[] =>
  Object.entries(constants).flatMap(([name, { data }]) =>
    /\.(present|lengths)$/.test(name) ? [data as Float32Array] : [],
  );

/** @throws DataError where a network is no longer what the run was trained with */
function refuseOtherNetworks({ directory, networks: known }: TrainedItems, networks: Networks): void {
  for (const [name, { hash }] of networks) {
    if (known === undefined || known[name] === hash) continue;
    const what = `${name}: this is not the network that ${directory} was trained with; put that one back`;
    throw new DataError("other-network", what, { name });
  }
}

/** Why a recipe has no vectors for items that it was not trained with, and what to do. */
export const idsAlone = (recipe: string): string =>
  `${recipe} knows items by their ids alone, so it cannot recommend one that it was not trained with; train again with it, or train a recipe that reads content, such as sasrec-text`;

/** Whether vectors are made of more than ids. */
export function readsContent(config: ModelConfig): config is RecipeConfig {
  if (isBaseline(config)) return false;
  const reads = partOf("items", config.items.name).readsItems?.(config.items as never) ?? false;
  return reads || contentTables(config).length > 0;
}

/** The feature tables that item vectors are made of. */
export function contentTables(config: ModelConfig): ContentTable[] {
  if (isBaseline(config)) return [];
  const used = partOf("items", config.items.name).tables?.(config.items as never) ?? [];
  return used.filter(({ columns }) => columns > 0).map(({ table, columns }) => ({ table, columns }));
}

/** The rows that items have in a table of weights; of one without a row, nothing. */
function rowsOf({ data, shape }: Tensor, items: readonly NewItem[]): Tensor {
  const width = data.length / shape[0]!;
  const own = new Float32Array(items.length * width);
  items.forEach(({ row }, k) => {
    if (row !== undefined)
      own.set((data as Float32Array).subarray(row * width, (row + 1) * width), k * width);
  });
  return { data: own, shape: [items.length, ...shape.slice(1)] };
}

const newContent = (
  { counts, dataset }: TrainedItems,
  tables: readonly ContentTable[],
  items: readonly NewItem[],
): ItemContent => ({
  where: "the new items",
  counts: Int32Array.from(items, ({ row }) => (row === undefined ? 0 : counts[row]!)),
  tables: async () => tables.map(({ table }) => table),
  features: async (name) => tableOf(tables.find(({ table }) => table === name)!, items),
  // Those of the run are among its weights, which stand in the place of these.
  components: async (name, count) =>
    new Float32Array(tables.find(({ table }) => table === name)!.columns * count),
  items: async () => items.map(({ item }) => item),
  network: openNetwork,
  tokens: (options) =>
    itemTokens(
      items.map(({ item }) => item),
      options,
    ),
  async pictures(size) {
    if (dataset) return itemPictures({ ...dataset, items: items.map(({ item }) => item.id) }, size);
    const what =
      "the dataset of the run was not found, in whose folder the pictures of new items are looked for";
    throw new DataError("no-dataset", what);
  },
});

function tableOf({ table, columns: dim }: ContentTable, items: readonly NewItem[]): FeatureTable {
  const values = new Float32Array(items.length * dim);
  const present = new Uint8Array(items.length);
  items.forEach(({ item, features }, k) => {
    const own = features[table];
    if (!own) return;
    const unfit = unfitFeatures({ table, columns: dim }, own);
    if (unfit) throw new DataError("bad-features", `item "${item.id}": ${unfit}`, { table, item: item.id });
    values.set(own, k * dim);
    present[k] = 1;
  });
  return { name: table, dim, values, present, source: {}, contentHash: "" };
}
