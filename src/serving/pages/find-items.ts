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

/** Items of which new ones may be put behind the others, and titles may change. */
export function itemFinder(): (
  items: readonly RunItem[],
  query: string,
  limit: number,
) => Promise<readonly RunItem[]> {
  const titles = new WeakMap<RunItem, string>();
  const titleOf = (item: RunItem): string => {
    const known = titles.get(item) ?? plain(item.title ?? item.id);
    titles.set(item, known);
    return known;
  };
  /** The best `limit` items; the event loop gets its turn meanwhile. */
  return async (items, query, limit) => {
    const asked = plain(query.trim());
    const words = asked.split(/\s+/).filter((word) => word !== "");
    const breathe = breather();
    const found: { item: RunItem; at: number }[] = [];
    for (const [k, item] of items.entries()) {
      const at = place(plain(item.id), titleOf(item), asked, words);
      if (at > places.nowhere) found.push({ item, at });
      if (k % 1024 === 0) await breathe();
    }
    const best = found.sort((a, b) => b.at - a.at || b.item.count - a.item.count);
    return best.slice(0, limit).map(({ item }) => item);
  };
}
