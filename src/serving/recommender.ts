/** @file Recommendations for real ids: for people in the dataset and for people never seen before. */

import type { RunItem } from "../evaluation/run-folder.ts";
import { packHistories } from "../retrieval/histories.ts";
import { createRanker, type Ranker } from "../retrieval/rank.ts";
import type { Scorer } from "../retrieval/scorer.ts";
import { ConfigError, DataError, RuntimeFailure } from "../tensor/errors.ts";
import { type Batcher, createBatcher, type QueueOptions } from "./batcher.ts";
import type { LiveItem } from "./state/store.ts";

/** The most items one request may ask for. */
export const MOST_ITEMS = 1000;

export interface RecommendRequest {
  /** Item ids, oldest first. Give either a history or a user. */
  readonly history?: readonly string[] | undefined;
  /** A user of the dataset. */
  readonly user?: string | undefined;
  /** How many items, 1 to 1000; 10 by default. The catalogue may hold fewer. */
  readonly k?: number | undefined;
  /** Item ids that must not be recommended. */
  readonly exclude?: readonly string[] | undefined;
  /** Whether items of the history may be recommended; "exclude" by default. */
  readonly seen?: "exclude" | "include" | undefined;
}

export interface RecommendedItem {
  readonly id: string;
  readonly score: number;
  readonly title?: string;
}

export interface Recommendation {
  /** Best first. */
  readonly items: readonly RecommendedItem[];
  /** Which model answered. */
  readonly model: string;
  /** Ids in the history that are not in the catalogue; they were skipped. */
  readonly unknown?: readonly string[];
  /** Present where the model had nothing to go by and the popular items were given. */
  readonly fallback?: "popularity";
  readonly reason?: string;
}

/** Item ids, oldest first; those that the catalogue does not have are passed over. */
export type HistoryOf = (
  user: string,
) => readonly string[] | undefined | Promise<readonly string[] | undefined>;

/** What became of an item that was put into the catalogue. */
export interface PutResult {
  readonly added: boolean;
  /** False where this model cannot score an item that it was not trained on. */
  readonly recommendable: boolean;
}

export interface RecommenderOptions {
  readonly scorer: Scorer;
  /** By internal index, as many as the scorer has. */
  readonly items: readonly RunItem[];
  /** The name given in every answer. */
  readonly model: string;
  /** Ids of a user's items, oldest first, or undefined for an unknown user. Absent: no user is known. */
  readonly historyOf?: HistoryOf | undefined;
  /** The fingerprint of the data that the model was trained on. */
  readonly data?: string | undefined;
  /** How many requests may wait for the model. */
  readonly queue?: QueueOptions | undefined;
}

/**
 * A trained model that recommends.
 *
 * @example
 * const { items } = await recommender.recommend({ history: ["318", "296"], k: 5 });
 */
export class Recommender {
  readonly model: string;
  /** The fingerprint of the data that the model was trained on. */
  readonly data: string | undefined;
  readonly #items: RunItem[];
  readonly #scorer: Scorer;
  readonly #historyOf: HistoryOf | undefined;
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #popular: Float32Array;
  readonly #ranker: Ranker;
  readonly #batcher: Batcher<Int32Array, Float32Array>;
  readonly #removed = new Set<number>();
  readonly #unscored = new Map<string, RunItem>();
  #failure: string | undefined;

  constructor({ scorer, items, model, data, historyOf, queue }: RecommenderOptions) {
    if (scorer.items !== items.length) {
      const message = `recommender: the model scores ${scorer.items} items, the list has ${items.length}`;
      throw new DataError("other-items", message, { model: scorer.items, items: items.length });
    }
    this.model = model;
    this.data = data;
    this.#items = [...items];
    this.#scorer = scorer;
    this.#historyOf = historyOf;
    this.#indexOf = new Map(items.map(({ id }, index) => [id, index]));
    this.#popular = Float32Array.from(items, ({ count }) => count);
    this.#ranker = createRanker(items.length, MOST_ITEMS);
    this.#batcher = createBatcher({
      ...queue,
      most: scorer.batch,
      run: (histories) => scoreRows(scorer, histories),
    });
  }

  /** The best items for one history or user; DataError for an unknown user, ConfigError for an impossible request. */
  async recommend(request: RecommendRequest): Promise<Recommendation> {
    const k = checkedCount(request.k);
    const { known, unknown, whose } = await this.#resolve(request);
    const answer = known.length > 0 ? await this.#scored(known) : this.#popular;
    const excluded = this.#excluded(request, known);
    const row = { scores: answer, start: 0, excluded, from: 0, to: excluded.length };
    const best = this.#ranker.best(row, k);
    return {
      items: Array.from(best, (index) => this.#recommended(index, answer[index]!)),
      model: this.model,
      ...(unknown.length > 0 ? { unknown } : {}),
      ...(known.length > 0 ? {} : { fallback: "popularity", reason: emptyReason(whose, unknown.length) }),
    };
  }

  /** Why the last request could not be answered, where the model's thread has ended and none could replace it. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** How many requests wait for the model, and whether the next would be refused. */
  get load(): { readonly waiting: number; readonly full: boolean } {
    const { waiting, full } = this.#batcher;
    return { waiting, full };
  }

  async #scored(known: Int32Array): Promise<Float32Array> {
    try {
      const scores = await this.#batcher.ask(known);
      this.#failure = undefined;
      return scores;
    } catch (error) {
      if (error instanceof RuntimeFailure && error.code === "worker") this.#failure = error.message;
      throw error;
    }
  }

  /** Answers several requests, in their order; each answer equals that of `recommend`. */
  recommendBatch(requests: readonly RecommendRequest[]): Promise<Recommendation[]> {
    return Promise.all(requests.map((request) => this.recommend(request)));
  }

  /** By internal index. */
  get items(): readonly RunItem[] {
    return this.#items;
  }

  /** The item with an id, or undefined. */
  item(id: string): RunItem | undefined {
    const index = this.#indexOf.get(id);
    if (index === undefined) return this.#unscored.get(id);
    return this.#removed.has(index) ? undefined : this.#items[index];
  }

  /** Adds or changes an item. */
  async putItem({ id, title }: Pick<LiveItem, "id" | "title">): Promise<PutResult> {
    const added = this.item(id) === undefined;
    const index = this.#indexOf.get(id);
    const named = title === undefined ? { id } : { id, title };
    if (index === undefined) {
      this.#unscored.set(id, { ...named, count: 0 });
      return { added, recommendable: false };
    }
    this.#removed.delete(index);
    this.#items[index] = { ...named, count: this.#items[index]!.count };
    return { added, recommendable: true };
  }

  /** Takes an item out of the catalogue; false where it was not there. */
  async deleteItem(id: string): Promise<boolean> {
    const known = this.item(id) !== undefined;
    const index = this.#indexOf.get(id);
    if (index !== undefined) this.#removed.add(index);
    this.#unscored.delete(id);
    return known;
  }

  /** Frees the model; the recommender cannot be used afterwards. */
  dispose(): Promise<void> {
    return this.#scorer.dispose();
  }

  async #resolve({ history, user }: RecommendRequest) {
    if ((history === undefined) === (user === undefined)) {
      const message = "recommend: give either a history or a user, not both and not neither";
      throw new ConfigError("history-or-user", message);
    }
    if (user !== undefined) {
      const { known } = this.#indices(await this.#userHistory(user));
      return { known, unknown: [], whose: "user" as const };
    }
    return { ...this.#indices(history!), whose: "history" as const };
  }

  #indices(ids: readonly string[]) {
    const indices = ids.map((id) => this.#indexOf.get(id));
    const known = Int32Array.from(indices.filter((index) => index !== undefined));
    const unknown = [...new Set(ids.filter((_, at) => indices[at] === undefined))];
    return { known, unknown };
  }

  async #userHistory(user: string): Promise<readonly string[]> {
    if (this.#historyOf === undefined) {
      const message = `user "${user}": no dataset is loaded, so no user is known; give a history of item ids instead`;
      throw new DataError("no-users", message, { user });
    }
    const known = await this.#historyOf(user);
    if (known !== undefined) return known;
    const message = `there is no user "${user}" in the dataset; check the id or give a history of item ids instead`;
    throw new DataError("unknown-user", message, { user });
  }

  #excluded({ exclude = [], seen = "exclude" }: RecommendRequest, known: Int32Array): Int32Array {
    const named = exclude.map((id) => this.#indexOf.get(id)).filter((index) => index !== undefined);
    return Int32Array.from([...(seen === "include" ? [] : known), ...named, ...this.#removed]);
  }

  #recommended(index: number, score: number): RecommendedItem {
    const { id, title } = this.#items[index]!;
    const rounded = Number(score.toPrecision(7)); // float32 has no more digits
    return title === undefined ? { id, score: rounded } : { id, score: rounded, title };
  }
}

async function scoreRows(scorer: Scorer, histories: readonly Int32Array[]): Promise<Float32Array[]> {
  const scores = await scorer.score(packHistories(histories, scorer.maxLength));
  return histories.map((_, q) => scores.subarray(q * scorer.items, (q + 1) * scorer.items));
}

function checkedCount(k = 10): number {
  if (Number.isInteger(k) && k >= 1 && k <= MOST_ITEMS) return k;
  throw new ConfigError("bad-k", `k: ${k} is not a whole number from 1 to ${MOST_ITEMS}`, { k });
}

function emptyReason(whose: "user" | "history", unknown: number): string {
  if (whose === "user") return "this user has no interactions; these are the most popular items";
  if (unknown === 0) return "the history is empty; these are the most popular items";
  return "no item of the history is in the catalogue; these are the most popular items";
}
