/** @file What each endpoint does. */

import { RuntimeFailure } from "../../tensor/errors.ts";
import { foundItems, itemContent, pagesOf } from "../pages/answers.ts";
import { problemBody, problemOf } from "../problem.ts";
import type { Recommendation, Recommender } from "../recommender.ts";
import type { Problem, RecommendBody } from "../schemas.ts";
import type { Service } from "../service.ts";
import type { Handlers } from "./endpoints.ts";

/** The handlers of a service; `onFallback` is told which fallback answered. */
export function handlersOf(service: Service, onFallback: (fallback: string) => void): Handlers {
  async function recommend(
    recommender: Recommender,
    request: RecommendBody,
    places?: ReturnType<Recommender["hold"]>,
  ): Promise<Recommendation> {
    const answer = await recommender.recommend(request, places);
    if (answer.fallback) onFallback(answer.fallback);
    return answer;
  }

  /** A few at a time, so that others come in between; all count as waiting from the start. */
  async function recommendEach(recommender: Recommender, requests: readonly RecommendBody[]) {
    const places = recommender.hold(requests.length);
    const others = Math.min(AT_ONCE, requests.length) - 1; // this one is inside already
    service.door.hold(others);
    try {
      const one = (request: RecommendBody) => orProblem(recommend(recommender, request, places));
      return { answers: await inParts(requests, one) };
    } finally {
      places.release();
      service.door.leave({ places: others, requests: requests.length - 1 });
    }
  }

  return {
    recommend: ({ body }) => service.with((recommender) => recommend(recommender, body)),
    recommendBatch: ({ body: { requests } }) =>
      service.with((recommender) => recommendEach(recommender, requests)),
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

/** Requests of one batch that are at work together, so that the queue of the model has room for others. */
const AT_ONCE = 16;

async function inParts<Q, A>(questions: readonly Q[], ask: (question: Q) => Promise<A>): Promise<A[]> {
  const answers: A[] = [];
  for (let from = 0; from < questions.length; from += AT_ONCE)
    answers.push(...(await Promise.all(questions.slice(from, from + AT_ONCE).map(ask))));
  return answers;
}

/** What is answered, or the problem that the request causes. @throws what it does not cause */
async function orProblem<A>(answer: Promise<A>): Promise<A | Problem> {
  try {
    return await answer;
  } catch (error) {
    const problem = problemOf(error);
    if (problem.status >= 500) throw error;
    return problemBody(problem);
  }
}
