/** @file What a recommender's model makes of items that are added or changed. */

import { type DescribedItem, type ReadItem, unfitFeatures } from "../retrieval/content-reader.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { DataError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import type { GivenItem } from "./recommendation.ts";

/** Reads the items that bring no vector; `rowOf` gives the row of an id that was there before. */
export async function readItems(
  { content, items: trained }: Retriever,
  items: readonly GivenItem[],
  rowOf: (id: string) => number | undefined,
): Promise<readonly ReadItem[]> {
  const described = items.flatMap(({ id, title, fields = {}, features, vector }, at) => {
    const row = rowOf(id);
    const met = row !== undefined && row < trained ? row : undefined;
    return vector ? [] : [{ at, item: { id, title, fields, features, row: met } satisfies DescribedItem }];
  });
  const all: ReadItem[] = items.map(({ vector }) => ({ vector, missing: {} }));
  if (!content || described.length === 0) return all;
  const read = await content.read(described.map(({ item }) => item));
  described.forEach(({ at }, k) => {
    all[at] = read[k]!;
  });
  return all;
}

/** @throws DataError where ready features of items are not such as the model was trained with */
export function requireFitting({ content }: Retriever, items: readonly GivenItem[]): void {
  const tables = content?.tables ?? [];
  if (tables.length === 0) return; // another model may read them
  const names = tables.map(({ table }) => table);
  for (const { id, features = {} } of items) {
    for (const [name, given] of Object.entries(features)) {
      const table = tables.find((one) => one.table === name);
      const what = table
        ? unfitFeatures(table, given)
        : `the model reads no features "${name}"${suggest(name, names)}`;
      if (what) throw new DataError("bad-features", `item "${id}": ${what}`, { item: id, table: name });
    }
  }
}
