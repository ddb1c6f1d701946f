/** @file The health of embeddings in real ids and titles; that of a feature table. */

import type { Dataset, Item } from "../data/dataset.ts";
import { openFeatures } from "../data/features.ts";
import { type EmbeddingHealth, embeddingHealth } from "./health.ts";

interface Shown {
  readonly item: string;
  readonly title?: string;
}

/** What `embeddingHealth` finds, with real ids. */
export interface NamedHealth extends Omit<EmbeddingHealth, "neighbours"> {
  readonly neighbours: readonly (Shown & {
    readonly near: readonly (Shown & { readonly cosine: number })[];
  })[];
}

/** Measures a dataset's feature table. */
export async function tableHealth(
  dataset: Dataset,
  items: readonly Item[],
  { table, threads }: { readonly table: string; readonly threads?: number | undefined },
): Promise<NamedHealth> {
  const popularity = new Float64Array(dataset.items.length);
  for (const item of dataset.sequence) popularity[item]!++;
  const health = await embeddingHealth(await openFeatures(dataset, table), { popularity, threads });
  return named(health, items);
}

/** The same with ids and titles in the place of indices. */
export function named(health: EmbeddingHealth, items: readonly Item[]): NamedHealth {
  const shown = (index: number): Shown => {
    const { id, title } = items[index]!;
    return { item: id, ...(title === undefined ? {} : { title }) };
  };
  const neighbours = health.neighbours.map(({ item, near }) => ({
    ...shown(item),
    near: near.map((other) => ({ ...shown(other.item), cosine: other.cosine })),
  }));
  return { ...health, neighbours };
}
