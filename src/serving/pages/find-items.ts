/** @file Finds items by words of their titles, as one types. */

import type { RunItem } from "../../evaluation/run-folder.ts";
import { breather } from "../../runtime/breather.ts";

/** Letters without their marks, in lower case: "Amélie" is found by "amelie". */
const plain = (text: string): string => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

const places = { id: 4, start: 3, word: 2, inside: 1, nowhere: 0 } as const;

/** How well an item answers a query: an id, a title that starts so, words that start so, or all words somewhere. */
function place(id: string, title: string, query: string, words: readonly string[]): number {
  if (id === query) return places.id;
  if (title.startsWith(query)) return places.start;
  if (!words.every((word) => title.includes(word))) return places.nowhere;
  return words.every((word) => title.startsWith(word) || title.includes(` ${word}`))
    ? places.word
    : places.inside;
}

export interface Search {
  readonly items: readonly RunItem[];
  readonly query: string;
  readonly limit: number;
  /** False for items that are not to be found any more. */
  readonly there?: (item: RunItem) => boolean;
}

/** Looks through items that may change: new ones may be put behind the others, and titles may be others. */
export function itemFinder(): (search: Search) => Promise<readonly RunItem[]> {
  const titles = new WeakMap<RunItem, string>();
  const titleOf = (item: RunItem): string => {
    const known = titles.get(item) ?? plain(item.title ?? item.id);
    titles.set(item, known);
    return known;
  };
  /** The best items; the event loop gets its turn meanwhile. */
  return async ({ items, query, limit, there = () => true }) => {
    const asked = plain(query.trim());
    const words = asked.split(/\s+/).filter((word) => word !== "");
    const breathe = breather();
    const found: { item: RunItem; at: number }[] = [];
    for (const [k, item] of items.entries()) {
      const at = place(plain(item.id), titleOf(item), asked, words);
      if (at > places.nowhere) found.push({ item, at });
      if (k % 1024 === 0) await breathe();
    }
    const best: RunItem[] = [];
    for (const { item } of found.sort((a, b) => b.at - a.at || b.item.count - a.item.count)) {
      if (best.length === limit) break;
      if (there(item)) best.push(item);
    }
    return best;
  };
}
