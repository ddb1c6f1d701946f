/** @file What each endpoint does. */

import { RuntimeFailure } from "../../tensor/errors.ts";
import { foundItems, itemContent, pagesOf } from "../pages/answers.ts";
import type { Service } from "../service.ts";
import type { Handlers } from "./endpoints.ts";

/** The handlers of a service; `onFallback` is told which fallback answered. */
export function handlersOf(service: Service, onFallback: (fallback: string) => void): Handlers {
  return {
    async recommend({ body }) {
      const answer = await service.with((recommender) => recommender.recommend(body));
      if (answer.fallback) onFallback(answer.fallback);
      return answer;
    },
    similar: ({ params: { id }, query }) => service.with((recommender) => recommender.similar(id, query)),
    items: ({ query }) => service.with((recommender) => foundItems(recommender, query)),
    item: ({ params: { id } }) => service.with((recommender) => itemContent(recommender, id)),
    image: ({ params: { id } }) => service.with((recommender) => pagesOf(recommender).image(id)),
    run: () => service.with((recommender) => pagesOf(recommender).run()),
    data: () => service.with((recommender) => pagesOf(recommender).data()),
    events: ({ body }) => service.addEvents(body),
    async putItem({ params: { id }, body: { title, fields = {}, features } }) {
      return { id, ...(await service.putItem({ id, title, fields, features })) };
    },
    async deleteItem({ params: { id } }) {
      await service.deleteItem(id);
      return undefined;
    },
    async deleteUser({ params: { id } }) {
      await service.eraseUser(id);
      return undefined;
    },
    reload: () => service.reload(),
    async health() {
      const { failure, model, items } = service.recommender;
      if (service.closing) throw new RuntimeFailure("stopping", "the service is about to stop");
      if (failure !== undefined) throw new RuntimeFailure("worker", failure);
      return { status: "ok", model, items: items.length };
    },
  };
}
