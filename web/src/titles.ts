/** @file What is known of items by their ids, asked once for each. */
import { api } from "./api.ts";
import type { FoundItem } from "./parts/find.tsx";

const known = new Map<string, Promise<FoundItem>>();

/** An item, or its id alone where the service does not have it. */
export function itemOf(id: string): Promise<FoundItem> {
  const item = known.get(id) ?? api.item(id).catch(() => ({ id, count: 0, image: false }));
  known.set(id, item);
  return item;
}
