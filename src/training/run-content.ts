/** @file The content reader of a run on the calling thread: what the worker does. */
import { type Item, readItems } from "../data/dataset.ts";
import { isBaseline } from "../models/config.ts";
import type { ContentReader, DescribedItem, ReadItem } from "../retrieval/content-reader.ts";
import { type Near, nearestTo } from "../retrieval/neighbour-lists.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { DataError } from "../tensor/errors.ts";
import { type FoundFeatures, type ItemFeatures, itemFeatures, itemOf } from "./item-features.ts";
import { type NewItem, openNewItems, type TrainedItems } from "./new-items.ts";

/** What a worker is told about a run. */
export interface ContentSpec extends TrainedItems {
  /** Feature table → what it held when the run was trained. */
  readonly features: Readonly<Record<string, string>>;
  /** Feature table → where its encoder is, if it is no longer where it was. */
  readonly encoders?: Readonly<Record<string, string>> | undefined;
  readonly threads?: number | undefined;
}

/** Opens what a spec describes. Reading blocks this thread. @throws ConfigError where items are known by ids alone */
export async function runContent(spec: ContentSpec): Promise<Omit<ContentReader, "tables">> {
  const { dataset, features, encoders, threads } = spec;
  const vectors = await openNewItems(spec, nodeRuntime, threads);
  let read: Promise<readonly Item[]> | undefined;
  const items = (): Promise<readonly Item[]> => {
    read ??= readItems(dataset!);
    return read;
  };
  const finders = vectors.tables.map((one) => {
    const { table } = one;
    const options = { dataset, items, contentHash: features[table], encoder: encoders?.[table], threads };
    return { table, ...itemFeatures(one, options) };
  });

  /** What each finder has of each item. */
  async function found(given: readonly DescribedItem[]): Promise<Map<string, readonly FoundFeatures[]>> {
    const each = new Map<string, readonly FoundFeatures[]>();
    for (const { table, find } of finders) each.set(table, await find(given));
    return each;
  }

  const nearest = openNearest(spec, finders);

  return {
    async read(given) {
      const each = await found(given);
      const described = given.map((item, k): NewItem => {
        const own = [...each].map(([table, all]) => [table, vectorIn(all[k])] as const);
        return { item: itemOf(item), row: item.row, features: Object.fromEntries(own) };
      });
      const width = vectors.width;
      const { vectors: made, known } = await vectors.encode(described);
      const near = await nearest(described);
      return given.map((_, k): ReadItem => {
        const all = [...each].map(([table, values]): [string, FoundFeatures] => [table, values[k]!]);
        const missing = Object.fromEntries(
          all.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
        );
        // Where what the run knows of an item cannot be read again, its vector stays.
        if (all.some(([, one]) => one === null)) return { missing };
        if (!known[k]) return { vector: null, missing };
        return { vector: made.slice(k * width, (k + 1) * width), near: near[k], missing };
      });
    },
    async dispose() {
      for (const finder of finders) await finder.dispose();
      await vectors.dispose();
    },
  };
}

type Finder = ItemFeatures & { readonly table: string };

/** What finds the neighbours of items by their features, where those are part of the model's scores. */
function openNearest({ config }: ContentSpec, finders: readonly Finder[]) {
  const none = async (): Promise<(Near | undefined)[]> => [];
  if (isBaseline(config)) return none;
  const {
    neighbourWeight = 0,
    neighbourTable,
    neighbourCount,
  }: Partial<typeof config.scoring> = config.scoring;
  const finder = finders.find(({ table }) => table === neighbourTable);
  if (neighbourWeight === 0 || !finder) return none;
  let find: ReturnType<typeof nearestTo> | undefined;
  return async (items: readonly NewItem[]): Promise<(Near | undefined)[]> => {
    try {
      find ??= nearestTo(await finder.open(), neighbourCount!);
    } catch (error) {
      if (error instanceof DataError) return []; // features were given, but there is nothing to compare them with
      throw error;
    }
    return items.map(({ features, row }) => features[finder.table] && find!(features[finder.table]!, row));
  };
}

const vectorIn = (found: FoundFeatures | undefined): Float32Array | undefined =>
  found instanceof Float32Array ? found : undefined;
