/** @file What the endpoints of the web app answer about the model of the moment. */

import type { RunItem } from "../../evaluation/run-folder.ts";
import { DataError } from "../../tensor/errors.ts";
import type { Recommender } from "../recommender.ts";
import { itemFinder } from "./find-items.ts";
import type { Pages } from "./pages.ts";
import type { ItemAnswer, ItemsAnswer } from "./schemas.ts";

/** What is known of the run of a recommender. @throws DataError where it was not opened from a run folder */
export function pagesOf({ pages }: Recommender): Pages {
  if (pages) return pages;
  throw new DataError(
    "no-run",
    "this service was not opened from a run folder, so nothing is known of the run",
  );
}

const find = itemFinder();

/** Items that are in the catalogue at the moment. */
export async function foundItems(
  recommender: Recommender,
  { query, limit }: { readonly query: string; readonly limit: number },
): Promise<ItemsAnswer> {
  const { items } = recommender;
  const found = await find({ items, query, limit, there: ({ id }) => recommender.item(id) !== undefined });
  const pictured = await picturedBy(recommender);
  return { items: found.map((item) => described(item, pictured)) };
}

/** @throws DataError where there is no such item */
export async function itemContent(recommender: Recommender, id: string): Promise<ItemAnswer> {
  const item = recommender.item(id);
  if (!item)
    throw new DataError("unknown-item", `there is no item "${id}" in the catalogue; check the id`, {
      item: id,
    });
  const content = (await recommender.pages?.content(id)) ?? { fields: {} };
  const fields = recommender.fieldsOf(id) ?? content.fields;
  const reason = recommender.unread(id);
  return {
    ...described(item, await picturedBy(recommender)),
    ...content,
    fields,
    recommendable: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}

/** The ids of items that have a picture. */
type Pictured = Pick<ReadonlySet<string>, "has">;

const picturedBy = async ({ pages }: Recommender): Promise<Pictured> =>
  (await pages?.pictured()) ?? new Set<string>();

const described = ({ id, title, count }: RunItem, pictured: Pictured): ItemsAnswer["items"][number] => ({
  id,
  ...(title === undefined ? {} : { title }),
  count,
  image: pictured.has(id),
});
