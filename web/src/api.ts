/** @file What the pages ask about items, whoever answers: a service, or a model in the page itself. */
import type { ItemAnswer, ItemsAnswer } from "../../src/serving/pages/schemas.ts";
import type { RecommendAnswer, SimilarAnswer } from "../../src/serving/schemas.ts";

export interface Wish {
  readonly history: readonly string[];
  readonly k: number;
  readonly diversity: number;
  readonly trace: boolean;
}

/** Answers are only read. */
type Read<T> = T extends object ? { readonly [K in keyof T]: Read<T[K]> } : T;

export interface Api {
  readonly find: (query: string, limit?: number, signal?: AbortSignal) => Promise<Read<ItemsAnswer>>;
  readonly item: (id: string) => Promise<Read<ItemAnswer>>;
  readonly similar: (id: string, k?: number) => Promise<Read<SimilarAnswer>>;
  readonly recommend: (wish: Wish) => Promise<Read<RecommendAnswer>>;
  /** The picture of an item as an address that an image can show. */
  readonly image: (id: string) => Promise<string>;
}

/** Who answers; set once, before a page asks. */
export let api: Api;

export function answerBy(given: Api): void {
  api = given;
}
