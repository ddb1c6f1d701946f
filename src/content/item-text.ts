/** @file What an item reads: the texts of chosen fields. */

import type { Item } from "../data/dataset.ts";
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import type { Texts } from "./tfidf.ts";

/** The field of that name; "title" is the item's title. */
const fieldOf = (item: Item, column: string): unknown =>
  column === "title" ? item.title : item.fields[column];

/** The item's texts, field by field; each value of a list is a text of its own, and what is empty is none. */
export function textsOf(item: Item, columns: readonly string[]): Texts {
  const texts: string[] = [];
  for (const column of columns) {
    const value = fieldOf(item, column);
    for (const each of Array.isArray(value) ? value : [value]) {
      const text = typeof each === "string" ? each.trim() : typeof each === "number" ? String(each) : "";
      if (text !== "") texts.push(text);
    }
  }
  return texts;
}

/** All that an item reads as one text. */
export const textOf = (item: Item, columns: readonly string[]): string => textsOf(item, columns).join(". ");

/** The names of all fields that some item has, the title first. */
export function columnsOf(items: readonly Item[]): string[] {
  const names = new Set(items.flatMap((item) => Object.keys(item.fields)));
  const titled = items.some((item) => item.title !== undefined);
  return [...(titled ? ["title"] : []), ...[...names].sort()];
}

/**
 * The columns to read: those asked for, or else all that hold words.
 *
 * @throws ConfigError where one asked for is no column, or none holds words
 */
export function textColumns(items: readonly Item[], asked: readonly string[] | undefined): string[] {
  const known = columnsOf(items);
  for (const column of asked ?? []) {
    if (known.includes(column)) continue;
    const there = known.length === 0 ? "; the items have no fields" : suggest(column, known);
    throw new ConfigError("unknown-column", `--text: the items have no column "${column}"${there}`, {
      column,
    });
  }
  const columns = asked ?? known.filter((column) => holdsWords(items, column));
  if (columns.length > 0) return [...columns];
  const what =
    "the items have no texts to encode: import the data again with --items FILE, whose columns hold titles or descriptions";
  throw new ConfigError("no-text", what, { known });
}

/** Shares from which a column holds codes: words of one piece that are nearly all different, as file names are. */
const CODES = 0.9;
const LEAST_CODES = 20;

function holdsWords(items: readonly Item[], column: string): boolean {
  const texts: string[] = [];
  let other = 0;
  for (const item of items) {
    const value = fieldOf(item, column);
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "string") texts.push(each);
      else if (each !== undefined && each !== null) other++;
    }
  }
  if (texts.length === 0 || texts.length < other) return false;
  if (column === "title" || texts.length < LEAST_CODES) return true;
  const single = texts.filter((text) => !/\s/.test(text.trim())).length;
  return single < CODES * texts.length || new Set(texts).size < CODES * texts.length;
}
