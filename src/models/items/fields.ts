/** @file Item fields as numbers: which values a field has, and what each item has of them. */
import { words as wordsOf } from "../../content/words.ts";
import type { Item } from "../../data/dataset.ts";

/** A field and what is known of its values: names by frequency, or the distribution of numbers. */
export type Field =
  | { readonly field: string; readonly kind: "category" | "words"; readonly values: readonly string[] }
  | { readonly field: string; readonly kind: "number"; readonly mean: number; readonly deviation: number };

export interface FieldOptions {
  /** Names of fields; none: all that say something. */
  readonly fields: readonly string[];
  /** Names of fields whose words are values; where items have no such texts they say nothing. */
  readonly words?: readonly string[];
  /** Values of fewer items say nothing. */
  readonly least: number;
  /** Most values of a field, the most frequent. */
  readonly values: number;
}

type Value = string | number | boolean;

/** The values of a field: of a list each, of anything but texts, numbers and truth values none. */
function valuesOf(item: Item, field: string): Value[] {
  const value = item.fields[field];
  const all = Array.isArray(value) ? value : [value];
  return all.filter((v): v is Value => ["string", "boolean"].includes(typeof v) || Number.isFinite(v));
}

/** The names of an item's values, each once. */
export const namesOf = (item: Item, field: string): string[] => [
  ...new Set(valuesOf(item, field).map(String)),
];

/** The words of an item's field, each once; its title is a field too. */
function fieldWords(item: Item, field: string): string[] {
  const texts = valuesOf(
    field === "title" ? { ...item, fields: { title: item.title, ...item.fields } } : item,
    field,
  );
  return [...new Set(wordsOf(texts.join(" ")))];
}

const valuesIn = (item: Item, { field, kind }: Pick<Field, "field" | "kind">): string[] =>
  kind === "words" ? fieldWords(item, field) : namesOf(item, field);

/** A field's single number, or undefined. */
export function numberOf(item: Item, field: string): number | undefined {
  const value = item.fields[field];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The fields of which something can be learned: single numbers that differ, or names and words that several items share. */
export function describeFields(items: readonly Item[], options: FieldOptions): Field[] {
  const { fields, words = [] } = options;
  const all = fields.length > 0 ? fields : [...new Set(items.flatMap((item) => Object.keys(item.fields)))];
  const named = all.filter((field) => !words.includes(field));
  return [
    ...named.flatMap((field): Field[] => {
      const there = items.filter((item) => item.fields[field] !== undefined);
      const numbers = there.map((item) => numberOf(item, field));
      if (there.length > 0 && numbers.every((v) => v !== undefined)) return distribution(field, numbers);
      return shared(there, { field, kind: "category" }, options);
    }),
    ...words.flatMap((field) => shared(items, { field, kind: "words" }, options)),
  ];
}

/** The values that several items share, the most frequent first; none where there are none. */
function shared(
  items: readonly Item[],
  field: { readonly field: string; readonly kind: "category" | "words" },
  { least, values }: FieldOptions,
): Field[] {
  const counts = new Map<string, number>();
  for (const item of items)
    for (const name of valuesIn(item, field)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const several = [...counts].filter(([, count]) => count >= least);
  several.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const names = several.slice(0, values).map(([name]) => name);
  return names.length > 0 ? [{ ...field, values: names }] : [];
}

function distribution(field: string, numbers: readonly number[]): Field[] {
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const deviation = Math.sqrt(numbers.reduce((total, v) => total + (v - mean) ** 2, 0) / numbers.length);
  return deviation > 0 ? [{ field, kind: "number", mean, deviation }] : [];
}

/** What items have: entries of one vocabulary with shares, and numbers; S entries and F numbers an item. */
export interface FieldRows {
  /** int32 [N, S]: numbers of entries; where there are fewer, 0 with a share of 0. */
  readonly entries: Int32Array;
  /** [N, S]: 1 / (the item's values of that field). */
  readonly shares: Float32Array;
  /** [N, F], as deviations from the mean; 0 where it is missing. */
  readonly numbers: Float32Array;
  /** [N]: 1 where any field has a value. */
  readonly present: Uint8Array;
}

/** Entries of the vocabulary: for each field one that stands for "missing", then its values. */
export const vocabularySize = (fields: readonly Field[]): number =>
  fields.reduce((size, field) => size + 1 + (field.kind === "number" ? 0 : field.values.length), 0);

/** Entries that an item has of a field. */
export const slotsOf = ({ kind }: Field, most: number): number => (kind === "number" ? 1 : most);

/** The rows of items by fields; of a field's values no more than `most`, and no entry for values without one. */
export function fieldRows(items: readonly Item[], fields: readonly Field[], most: number): FieldRows {
  const slots = fields.reduce((total, field) => total + slotsOf(field, most), 0);
  const numeric = fields.filter(({ kind }) => kind === "number").length;
  const rows = {
    entries: new Int32Array(items.length * slots),
    shares: new Float32Array(items.length * slots),
    numbers: new Float32Array(items.length * numeric),
    present: new Uint8Array(items.length),
  };
  let [slot, first, column] = [0, 0, 0];
  for (const field of fields) {
    const numberAt = field.kind === "number" ? null : new Map(field.values.map((name, k) => [name, k]));
    for (const [i, item] of items.entries()) {
      const put = (k: number, entry: number, share: number): void => {
        rows.entries[i * slots + slot + k] = first + entry;
        rows.shares[i * slots + slot + k] = share;
      };
      const value = field.kind === "number" ? numberOf(item, field.field) : undefined;
      const names = numberAt ? valuesIn(item, field).filter((name) => numberAt.has(name)) : [];
      const own = names.slice(0, most);
      if (value === undefined && own.length === 0) put(0, 0, 1);
      else rows.present[i] = 1;
      if (field.kind === "number" && value !== undefined)
        rows.numbers[i * numeric + column] = (value - field.mean) / field.deviation;
      own.forEach((name, k) => {
        put(k, 1 + numberAt!.get(name)!, 1 / own.length);
      });
    }
    slot += slotsOf(field, most);
    first += 1 + (numberAt?.size ?? 0);
    if (field.kind === "number") column++;
  }
  return rows;
}
