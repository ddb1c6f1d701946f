/** @file What a recommender is asked and what it answers. */

import type { RunItem } from "../evaluation/run-folder.ts";
import type { Retriever } from "../retrieval/retriever.ts";
import { ConfigError } from "../tensor/errors.ts";
import type { QueueOptions } from "./batcher.ts";
import type { Pages } from "./pages/pages.ts";
import type { LiveItem } from "./state/store.ts";
import type { RecommendationTrace } from "./trace.ts";

/** The most items one request may ask for. */
export const MOST_ITEMS = 1000;

export interface RecommendRequest {
  /** Item ids, oldest first. Give either a history or a user. */
  readonly history?: readonly string[] | undefined;
  /** When each item of the history was met, in seconds since 1970; a user's times are known. For models that read times. */
  readonly times?: readonly number[] | undefined;
  /** For when the answer is, in seconds since 1970; now by default. For models that read times. */
  readonly at?: number | undefined;
  /** A user of the dataset. */
  readonly user?: string | undefined;
  /** How many items, 1 to 1000; 10 by default. The catalogue may hold fewer. */
  readonly k?: number | undefined;
  /** Item ids that must not be recommended. */
  readonly exclude?: readonly string[] | undefined;
  /** Whether items of the history may be recommended; "exclude" by default. */
  readonly seen?: "exclude" | "include" | undefined;
  /** What the fields of an item must be, such as {"genre": {"in": ["Drama"]}, "year": {"gte": 1990}}; see `parseFilter`. */
  readonly filter?: Readonly<Record<string, unknown>> | undefined;
  /** 0 (default): by score alone; up to 1: the more unlike each other. */
  readonly diversity?: number | undefined;
  /** Why these items, and what became of those that are named; item ids in the answer's `trace`. */
  readonly trace?: boolean | { readonly items: readonly string[] } | undefined;
}

export interface SimilarRequest extends Pick<RecommendRequest, "k" | "exclude" | "filter" | "diversity"> {}

export interface RecommendedItem {
  readonly id: string;
  readonly score: number;
  readonly title?: string;
  /** Present where it is not the model that recommends the item; the score is then that of the source. */
  readonly source?: "item-knn" | "popularity";
}

export interface Recommendation {
  /** Best first. */
  readonly items: readonly RecommendedItem[];
  /** Which model answered. */
  readonly model: string;
  /** Ids in the history that are not in the catalogue; they were skipped. */
  readonly unknown?: readonly string[];
  /** Present where the model had nothing to go by: what stands first in its place. */
  readonly fallback?: "item-knn" | "popularity";
  readonly reason?: string;
  readonly trace?: RecommendationTrace;
}

export interface Similar {
  /** The most similar first. */
  readonly items: readonly RecommendedItem[];
  readonly model: string;
}

/** What a user has met. */
export interface UserHistory {
  /** Item ids, oldest first; those that the catalogue does not have are passed over. */
  readonly items: readonly string[];
  /** Seconds since 1970 beside `items`, where they are known. */
  readonly times?: ArrayLike<number> | undefined;
}

/** The history of a user; undefined for who is not known. */
export type HistoryOf = (user: string) => UserHistory | undefined | Promise<UserHistory | undefined>;

/** What became of an item that was put into the catalogue. */
export interface PutResult {
  readonly added: boolean;
  /** Whether the model can recommend it. */
  readonly recommendable: boolean;
  /** Why it cannot, and what to do. */
  readonly reason?: string;
  /** Feature table → why the item has nothing there: the model takes it as an item without such content. */
  readonly missing?: Readonly<Record<string, string>>;
}

/** An item to be added or changed: what is not told is not known of it any more. */
export interface GivenItem extends Pick<LiveItem, "id" | "title" | "features"> {
  /** What filters and encoders read. */
  readonly fields?: LiveItem["fields"] | undefined;
  /** What the model would make of the item, where it is known already: nothing is encoded then. */
  readonly vector?: Float32Array | undefined;
}

export interface AddOptions {
  /** What to do with features that are not such as those of training: refuse them all, or do without. */
  readonly unfit?: "refuse" | "leave-out" | undefined;
}

export interface RecommenderOptions {
  /** Freed with the recommender. */
  readonly retriever: Retriever;
  /** By internal index, as many as the retriever has. */
  readonly items: readonly RunItem[];
  /** The name given in every answer. */
  readonly model: string;
  /** Absent: no user is known. */
  readonly historyOf?: HistoryOf | undefined;
  /** What is known of the run and its dataset, for the web app. */
  readonly pages?: Pages | undefined;
  /** The fingerprint of the data that the model was trained on. */
  readonly data?: string | undefined;
  /** How many requests may wait for the model. */
  readonly queue?: QueueOptions | undefined;
}

export function tracedItems({ trace }: RecommendRequest): readonly string[] | undefined {
  if (trace === undefined || trace === false) return undefined;
  return trace === true ? [] : trace.items;
}

export function checkedCount(k = 10): number {
  if (Number.isInteger(k) && k >= 1 && k <= MOST_ITEMS) return k;
  throw new ConfigError("bad-k", `k: ${k} is not a whole number from 1 to ${MOST_ITEMS}`, { k });
}

export function checkedDiversity(diversity = 0): number {
  if (diversity >= 0 && diversity <= 1) return diversity;
  throw new ConfigError("bad-diversity", `diversity: ${diversity} is not a number from 0 to 1`, {
    diversity,
  });
}

export function fallbackReason(
  fallback: "item-knn" | "popularity",
  whose: "user" | "history",
  known: number,
  unknown: number,
): string {
  const popular = "these are the most popular items";
  if (fallback === "item-knn")
    return "the model has nothing for this history; these are items that the same people had";
  if (known > 0) return `the model has nothing for this history; ${popular}`;
  if (whose === "user") return `this user has no interactions; ${popular}`;
  if (unknown === 0) return `the history is empty; ${popular}`;
  return `no item of the history is in the catalogue; ${popular}`;
}
