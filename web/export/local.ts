/** @file The pages' questions, answered by the model in the page itself. */

import type { OpenedExport } from "../../src/serving/browser/open-export.ts";
import { itemFinder } from "../../src/serving/pages/find-items.ts";
import type { Api } from "../src/api.ts";

/** Answers of an export, the paths of whose pictures start at `folder`. */
export function localApi({ recommender, fieldsOf, pictureOf }: OpenedExport, folder: URL): Api {
  const search = itemFinder();
  const hasImage = (id: string): boolean => pictureOf(id) !== undefined;
  return {
    async find(query, limit = 12) {
      const found = await search({ items: recommender.items, query, limit });
      return { items: found.map((item) => ({ ...item, image: hasImage(item.id) })) };
    },
    async item(id) {
      const item = recommender.item(id);
      if (!item) throw new Error(`There is no item “${id}” here.`);
      return { ...item, image: hasImage(id), fields: fieldsOf(id), recommendable: true };
    },
    similar: (id, k = 12) => recommender.similar(id, { k }),
    recommend: (wish) => recommender.recommend(wish),
    async image(id) {
      const answer = await fetch(new URL(pictureOf(id)!, folder));
      if (!answer.ok) throw new Error(`The web server answered ${answer.status}.`);
      return URL.createObjectURL(await answer.blob());
    },
  };
}
