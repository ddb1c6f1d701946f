/** @file What is told of an item beside its id, and what a model that reads content makes of it. */

import type { Near } from "./neighbour-lists.ts";

/** An item as it is described, whether or not the model was trained with it. */
export interface DescribedItem {
  readonly id: string;
  readonly title?: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Ready features by the names of their tables, in place of those that the encoders would make. */
  readonly features?: Readonly<Record<string, ArrayLike<number>>> | undefined;
  /** Its row, where the model was trained with it. */
  readonly row?: number | undefined;
}

/** What the model makes of an item. */
export interface ReadItem {
  /** Its vector; undefined: what the model has for it stays; null: it has nothing by which it could be recommended. */
  readonly vector?: Float32Array | null | undefined;
  /** The rows whose content is nearest to its own, where the model's scores tell of that. */
  readonly near?: Near | undefined;
  /** Feature table → a sentence on why the item has nothing there; it counts as not known, as in training. */
  readonly missing: Readonly<Record<string, string>>;
  /** Why there is no vector. */
  readonly reason?: string | undefined;
}

/** A feature table that item vectors are made of, and how many numbers it has for an item. */
export interface ContentTable {
  readonly table: string;
  readonly columns: number;
}

/** Makes item vectors of content, beside the retriever that searches them. */
export interface ContentReader {
  /** None where the model knows items by their ids alone. */
  readonly tables: readonly ContentTable[];
  read(items: readonly DescribedItem[]): Promise<readonly ReadItem[]>;
  dispose(): Promise<void>;
}

/** What is wrong with ready features; undefined where they are such as those of training. */
export function unfitFeatures(
  { table, columns }: ContentTable,
  features: ArrayLike<number>,
): string | undefined {
  const numbers = Array.from(features);
  const bad = numbers.findIndex((value) => !Number.isFinite(Math.fround(value)));
  if (numbers.length === columns && bad < 0) return undefined;
  const what = numbers.length === columns ? `number ${bad + 1} is not` : `there are ${numbers.length}`;
  return `features "${table}" must be ${columns} finite numbers, as in training; ${what}`;
}
