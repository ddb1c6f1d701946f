/** @file `sequitur/client`: talks to a running service; only `fetch` is needed, so it runs in browsers as well. */

import type { z } from "zod";
import type {
  EventsAnswer,
  EventsBody,
  ItemBody,
  PutItemAnswer,
  ReloadAnswer,
} from "./serving/live-schemas.ts";
import type { DataAnswer, ItemAnswer, ItemsAnswer, RunAnswer } from "./serving/pages/schemas.ts";
import type {
  HealthAnswer,
  Problem,
  RecommendAnswer,
  RecommendBatchAnswer,
  RecommendBody,
  SimilarAnswer,
} from "./serving/schemas.ts";

export type {
  EventsAnswer,
  EventsBody,
  ItemBody,
  Problem,
  PutItemAnswer,
  RecommendAnswer,
  RecommendBatchAnswer,
  ReloadAnswer,
  SimilarAnswer,
};

/** What is asked of `recommend`: a history or a user, and what narrows the answer. */
export type RecommendQuestion = z.input<typeof RecommendBody>;
/** What is asked of `similar`: what narrows the answer. */
export type SimilarQuestion = Pick<RecommendQuestion, "k" | "exclude" | "filter" | "diversity">;
export type Event = EventsBody["events"][number];

export interface ClientOptions {
  /** Such as "http://127.0.0.1:8787". */
  readonly url: string;
  /** An API key, where the service has keys. */
  readonly key?: string;
  /** How often a request that was refused for load (429, 503) is sent again, after the time the service names; 2 by default. */
  readonly retries?: number;
  /** Gives up after so many milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
  /** In place of the global `fetch`. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** An answer of 4xx or 5xx. */
export class ProblemError extends Error {
  readonly status: number;
  /** A fixed name for programs, such as "unknown-user". */
  readonly code: string;
  /** What is wrong, field by field. */
  readonly errors: NonNullable<Problem["errors"]>;

  constructor({ status, code, detail, errors = [] }: Pick<Problem, "status" | "code" | "detail" | "errors">) {
    super(detail);
    this.name = "ProblemError";
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

export interface Client {
  /** The best items for a user or a history. @throws ProblemError */
  recommend(question: RecommendQuestion): Promise<RecommendAnswer>;
  /** Answers several questions, 1 to 100, in their order; one that cannot be answered gets its problem. @throws ProblemError */
  recommendBatch(questions: readonly RecommendQuestion[]): Promise<RecommendBatchAnswer["answers"]>;
  /** The items most like one. @throws ProblemError */
  similar(id: string, question?: SimilarQuestion): Promise<SimilarAnswer>;
  /** Items by words of their titles; the most popular without any. */
  items(query?: string, limit?: number): Promise<ItemsAnswer>;
  item(id: string): Promise<ItemAnswer>;
  /** The picture of an item. */
  image(id: string): Promise<Blob>;
  run(): Promise<RunAnswer>;
  data(): Promise<DataAnswer>;
  /** Reports what users did; resolves once it is durable. Events with an `id` may be sent again without harm. */
  events(events: readonly Event[]): Promise<EventsAnswer>;
  putItem(id: string, item?: ItemBody): Promise<PutItemAnswer>;
  deleteItem(id: string): Promise<void>;
  deleteUser(id: string): Promise<void>;
  reload(): Promise<ReloadAnswer>;
  health(): Promise<z.output<typeof HealthAnswer>>;
}

/**
 * A client of one service.
 *
 * @example
 * const service = createClient({ url: "http://127.0.0.1:8787" });
 * await service.events([{ user: "ann", item: "318" }]);
 * const { items } = await service.recommend({ user: "ann", k: 5 });
 */
export function createClient(options: ClientOptions): Client {
  const send = sender(options);
  const call = async <T>(...asked: Parameters<Send>): Promise<T> => {
    const answer = await send(...asked);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  };
  const place = (kind: string, id: string): string => `/v1/${kind}/${encodeURIComponent(id)}`;
  return {
    recommend: (question) => call("POST", "/v1/recommend", question),
    recommendBatch: async (requests) =>
      (await call<RecommendBatchAnswer>("POST", "/v1/recommend/batch", { requests })).answers,
    similar: (id, question = {}) => call("GET", `${place("items", id)}/similar?${similarQuery(question)}`),
    items: (query = "", limit = 20) =>
      call("GET", `/v1/items?${new URLSearchParams({ query, limit: String(limit) })}`),
    item: (id) => call("GET", place("items", id)),
    image: async (id) => (await send("GET", `${place("items", id)}/image`)).blob(),
    run: () => call("GET", "/v1/run"),
    data: () => call("GET", "/v1/data"),
    events: (events) => call("POST", "/v1/events", { events }),
    putItem: (id, item = {}) => call("PUT", place("items", id), item),
    deleteItem: (id) => call("DELETE", place("items", id)),
    deleteUser: (id) => call("DELETE", place("users", id)),
    reload: () => call("POST", "/v1/admin/reload"),
    health: () => call("GET", "/healthz"),
  };
}

function similarQuery({ k, exclude = [], filter, diversity }: SimilarQuestion): URLSearchParams {
  const query = new URLSearchParams(exclude.map((id): [string, string] => ["exclude", id]));
  if (k !== undefined) query.set("k", String(k));
  if (filter !== undefined) query.set("filter", JSON.stringify(filter));
  if (diversity !== undefined) query.set("diversity", String(diversity));
  return query;
}

type Send = (method: string, path: string, body?: unknown) => Promise<Response>;

/** Sends requests until one is answered as it should be. @throws ProblemError */
function sender({ url, key, retries = 2, timeoutMs = 30_000, fetch: send = fetch }: ClientOptions): Send {
  const headers = {
    "content-type": "application/json",
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  };
  const base = url.replace(/\/+$/, "");
  return async (method, path, body) => {
    for (let attempt = 0; ; attempt++) {
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await send(new Request(`${base}${path}`, { method, headers, signal, ...text }));
      if (answer.ok) return answer;
      const seconds = Number(answer.headers.get("retry-after") ?? Number.NaN);
      if (attempt >= retries || Number.isNaN(seconds)) throw await problemOf(answer);
      await answer.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  };
}

async function problemOf(answer: Response): Promise<ProblemError> {
  const { status } = answer;
  const text = await answer.text();
  try {
    return new ProblemError(JSON.parse(text) as Problem);
  } catch {
    const detail = `the service answered ${status}${text === "" ? "" : `: ${text.slice(0, 200)}`}`;
    return new ProblemError({ status, code: "unreadable", detail });
  }
}
