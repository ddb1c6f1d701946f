/** @file What the pages ask a service over HTTP, with the key that the person gave, if it wants one. */
import { signal } from "@preact/signals";
import type { DataAnswer, ItemAnswer, ItemsAnswer, RunAnswer } from "../../src/serving/pages/schemas.ts";
import type { Problem, RecommendAnswer, SimilarAnswer } from "../../src/serving/schemas.ts";
import type { Api, Wish } from "./api.ts";

/** True while the service asks for an API key that is not there or not right. */
export const locked = signal(false);

const keyName = "sequitur-key";

/** Kept for this tab only. */
export const apiKey = {
  get: (): string => sessionStorage.getItem(keyName) ?? "",
  set(key: string): void {
    sessionStorage.setItem(keyName, key);
    locked.value = false;
  },
};

/** What the service says is wrong. */
export class ApiError extends Error {}

function withKey(init: RequestInit): RequestInit {
  const key = apiKey.get();
  return key ? { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } } : init;
}

/** An answer that is not an error. @throws ApiError with the sentence of the service */
async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(path, withKey(init)).catch(() => {
    throw new ApiError("The service does not answer. Is it still running?");
  });
  if (answer.ok) return answer;
  if (answer.status === 401) locked.value = true;
  const problem = (await answer.json().catch(() => null)) as Problem | null;
  throw new ApiError(problem?.detail ?? `The service answered ${answer.status}.`);
}

const json = async <T>(path: string, init?: RequestInit): Promise<T> => (await ask(path, init)).json();
const item = (id: string): string => `v1/items/${encodeURIComponent(id)}`;

export const service = {
  find: (query: string, limit = 12, signal?: AbortSignal): Promise<ItemsAnswer> =>
    json(`v1/items?${new URLSearchParams({ query, limit: String(limit) })}`, { signal: signal ?? null }),
  item: (id: string): Promise<ItemAnswer> => json(item(id)),
  similar: (id: string, k = 12): Promise<SimilarAnswer> => json(`${item(id)}/similar?k=${k}`),
  recommend({ diversity, ...wish }: Wish): Promise<RecommendAnswer> {
    const body = JSON.stringify(diversity > 0 ? { ...wish, diversity } : wish);
    const headers = { "content-type": "application/json" };
    return json("v1/recommend", { method: "POST", headers, body });
  },
  run: (): Promise<RunAnswer> => json("v1/run"),
  data: (): Promise<DataAnswer> => json("v1/data"),
  health: (): Promise<{ readonly model: string }> => json("healthz"),
  metrics: async (): Promise<string> => (await ask("metrics")).text(),
  /** The picture of an item as an address that an image can show; pictures may need the key, so it is fetched. */
  image: async (id: string): Promise<string> =>
    URL.createObjectURL(await (await ask(`${item(id)}/image`)).blob()),
} satisfies Api & Record<string, unknown>;
