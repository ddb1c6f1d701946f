/** @file What a dataset knows about its items, read when it is asked for and once. */

import type { ImageInput } from "../../content/images.ts";
import { type ItemPictures, itemPictures } from "../../content/item-pictures.ts";
import { type ItemTokens, itemTokens, type TokenOptions } from "../../content/item-tokens.ts";
import { type Network, openNetwork } from "../../content/network.ts";
import { tableComponents } from "../../content/table-components.ts";
import { type Dataset, type Item, readItems } from "../../data/dataset.ts";
import { type FeatureTable, listFeatures, openFeatures } from "../../data/features.ts";
import type { Sequences } from "../../data/sequences.ts";
import { DataError } from "../../tensor/errors.ts";

export interface ItemContent {
  /** Where it is read, for sentences. */
  readonly where: string;
  /** How often each item occurs in the training histories. */
  readonly counts: Int32Array;
  /** Names of the feature tables. */
  tables(): Promise<readonly string[]>;
  /** @throws DataError where there is no such table, or it is of other data */
  features(name: string): Promise<FeatureTable>;
  /** The way from a table's centred columns to its first principal components, each of variance 1: [F, C]. */
  components(name: string, count: number): Promise<Float32Array>;
  /** Every item by its index. */
  items(): Promise<readonly Item[]>;
  /** A pretrained network. @throws DataError where there is no such file */
  network(name: string): Promise<Network>;
  /** The items' texts as tokens. */
  tokens(options: TokenOptions): Promise<ItemTokens>;
  /** The items' pictures. @throws DataError where there are none */
  pictures(size: Pick<ImageInput, "width" | "height" | "layout">): Promise<ItemPictures>;
}

/** How often each item occurs. */
function countsOf({ sequence }: Sequences, items: number): Int32Array {
  const counts = new Int32Array(items);
  for (const item of sequence) counts[item]!++;
  return counts;
}

/** Of items about which nothing is known but who met them. */
export const noContent = (training: Sequences, items: number): ItemContent => ({
  where: "the data",
  counts: countsOf(training, items),
  tables: async () => [],
  async features(name) {
    throw new DataError("unknown-features", `there are no features "${name}": no dataset is open`, { name });
  },
  components: async (name, count) => {
    throw new DataError("unknown-features", `there are no features "${name}" to find ${count} components of`);
  },
  items: async () => Array.from({ length: items }, (_, k) => ({ id: String(k), fields: {} })),
  ...nothingToRead("no dataset is open"),
});

/** Of items without texts and pictures. */
export function nothingToRead(why: string): Pick<ItemContent, "network" | "tokens" | "pictures"> {
  const refuse = async (): Promise<never> => {
    throw new DataError("no-content", `the model reads texts or pictures, but there are none: ${why}`);
  };
  return { network: refuse, tokens: refuse, pictures: refuse };
}

/** The content of a dataset's items. */
export function datasetContent(dataset: Dataset, training: Sequences): ItemContent {
  const opened = new Map<string, Promise<FeatureTable>>();
  const networks = new Map<string, Promise<Network>>();
  let items: Promise<readonly Item[]> | null = null;
  const features = (name: string): Promise<FeatureTable> => {
    const table = opened.get(name) ?? openFeatures(dataset, name);
    opened.set(name, table);
    return table;
  };
  return {
    where: dataset.directory,
    counts: countsOf(training, dataset.items.length),
    tables: () => listFeatures(dataset),
    features,
    components: async (name, count) => tableComponents(await features(name), count),
    items() {
      items ??= readItems(dataset);
      return items;
    },
    network(name) {
      const network = networks.get(name) ?? openNetwork(name);
      networks.set(name, network);
      return network;
    },
    async tokens(options) {
      items ??= readItems(dataset);
      return itemTokens(await items, options);
    },
    pictures: (size) => itemPictures(dataset, size),
  };
}
