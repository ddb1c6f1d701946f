/** @file The pages' questions, answered by the model in the page itself. */

import type { OpenedExport } from "../../src/serving/browser/open-export.ts";
import { itemFinder } from "../../src/serving/pages/find-items.ts";
import type { Api } from "../src/api.ts";

export function localApi({ recommender, fieldsOf }: OpenedExport): Api {
  const search = itemFinder();
  return {
    async find(query, limit = 12) {
      const found = await search({ items: recommender.items, query, limit });
      return { items: found.map((item) => ({ ...item, image: false })) };
    },
    async item(id) {
      const item = recommender.item(id);
      if (!item) throw new Error(`There is no item “${id}” here.`);
      return { ...item, image: false, fields: fieldsOf(id) };
    },
    similar: (id, k = 12) => recommender.similar(id, { k }),
    recommend: (wish) => recommender.recommend(wish),
    image: () => Promise.reject(new Error("no picture")),
  };
}
