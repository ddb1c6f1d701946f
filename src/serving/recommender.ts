/** @file Recommendations for real ids: for people in the dataset and for people never seen before. */

import type { RunItem } from "../evaluation/run-folder.ts";
import type { IndexReport } from "../retrieval/build-index.ts";
import type { ReadItem } from "../retrieval/content-reader.ts";
import { parseFilter } from "../retrieval/filter.ts";
import { someItems } from "../retrieval/histories.ts";
import type { Ask, Found, Retriever } from "../retrieval/retriever.ts";
import type { Hits } from "../retrieval/top-list.ts";
import { type InTurn, oneAfterTheOther } from "../runtime/ort.ts";
import { ConfigError, DataError, RuntimeFailure } from "../tensor/errors.ts";
import { readItems, requireFitting } from "./added-items.ts";
import { askedHistory } from "./asked-history.ts";
import { type Batcher, createBatcher, type Places } from "./batcher.ts";
import type { Pages } from "./pages/pages.ts";
import {
  type AddOptions,
  checkedCount,
  checkedDiversity,
  fallbackReason,
  type GivenItem,
  type HistoryOf,
  type PutResult,
  type Recommendation,
  type RecommendedItem,
  type RecommenderOptions,
  type RecommendRequest,
  type Similar,
  type SimilarRequest,
  tracedItems,
} from "./recommendation.ts";
import { namedTrace } from "./trace.ts";

export * from "./recommendation.ts";

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
  /** What is known of the run and its dataset, where it was opened from a folder. */
  readonly pages: Pages | undefined;
  readonly #items: RunItem[];
  readonly #retriever: Retriever;
  readonly #historyOf: HistoryOf | undefined;
  readonly #indexOf: Map<string, number>;
  readonly #batcher: Batcher<Ask, Found>;
  readonly #removed = new Set<number>();
  readonly #fields = new Map<string, NonNullable<GivenItem["fields"]>>();
  readonly #unread = new Map<string, string>();
  readonly #inTurn: InTurn = oneAfterTheOther();
  #failure: string | undefined;

  constructor({ retriever, items, model, data, pages, historyOf, queue }: RecommenderOptions) {
    if (retriever.items !== items.length) {
      const message = `recommender: the model scores ${retriever.items} items, the list has ${items.length}`;
      throw new DataError("other-items", message, { model: retriever.items, items: items.length });
    }
    this.model = model;
    this.data = data;
    this.pages = pages;
    this.#items = [...items];
    this.#retriever = retriever;
    this.#historyOf = historyOf;
    this.#indexOf = new Map(items.map(({ id }, index) => [id, index]));
    this.#batcher = createBatcher({
      ...queue,
      most: retriever.batch,
      run: (asks: readonly Ask[]) => retriever.retrieve(asks),
    });
  }

  /**
   * The best items for one history or user, in one of the `places` that `hold` kept, where given.
   *
   * @throws DataError for an unknown user, ConfigError for an impossible request
   */
  async recommend(request: RecommendRequest, places?: Places<Ask, Found>): Promise<Recommendation> {
    const limits = this.#limits(request);
    const rowOf = (id: string): number | undefined => this.#indexOf.get(id);
    const { known, unknown, whose } = await askedHistory(request, { rowOf, historyOf: this.#historyOf });
    const { length } = known.rows;
    const named = tracedItems(request);
    const excluded = this.#rows(request.exclude);
    const seen = request.seen === "include" ? [] : known.rows;
    const { rows: history, times } = someItems(known, (row) => !this.#removed.has(row));
    const ask: Ask = {
      ...limits,
      history,
      times,
      excluded: Int32Array.from([...seen, ...excluded]),
      trace: named && this.#rows(named),
    };
    const found = await this.#watched((places ?? this.#batcher).ask(ask));
    const [first] = found.sources;
    const fallback = first === "sequence" ? undefined : (first ?? (length > 0 ? undefined : "popularity"));
    return {
      items: this.#listed(found),
      model: this.model,
      ...(unknown.length > 0 ? { unknown } : {}),
      ...(fallback && { fallback, reason: fallbackReason(fallback, whose, length, unknown.length) }),
      ...(found.trace && {
        trace: namedTrace(found.trace, found, {
          idOf: (row) => this.#items[row]!.id,
          seen: new Set(seen),
          unknown: named!.filter((id) => !this.#indexOf.has(id)),
        }),
      }),
    };
  }

  /** The items most like one; DataError where there is no such item. */
  async similar(id: string, request: SimilarRequest = {}): Promise<Similar> {
    const row = this.item(id) && this.#indexOf.get(id);
    if (row === undefined) {
      const message = `there is no item "${id}" in the catalogue; check the id`;
      throw new DataError("unknown-item", message, { item: id });
    }
    const excluded = Int32Array.from(this.#rows(request.exclude));
    const hits = await this.#watched(this.#retriever.similar({ ...this.#limits(request), row, excluded }));
    return { items: this.#listed(hits), model: this.model };
  }

  /** Names of the item fields that a filter may use. */
  get fields(): readonly string[] {
    return this.#retriever.fields;
  }

  /** What is known of the index; null where a model scores everything. */
  get index(): IndexReport | null {
    return this.#retriever.report;
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

  /** Places in the queue of the model for so many requests. @throws RuntimeFailure of code "busy" where there are none */
  hold(count: number): Places<Ask, Found> {
    return this.#batcher.hold(count);
  }

  /** Remembers whether the model's thread is there. */
  async #watched<T>(answer: Promise<T>): Promise<T> {
    try {
      const given = await answer;
      this.#failure = undefined;
      return given;
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
    return index === undefined || this.#removed.has(index) ? undefined : this.#items[index];
  }

  /**
   * Adds or changes items, which are recommended and found in histories from then on. A model that reads content encodes
   * them as those of training, in a thread of its own; one that knows ids alone keeps them, but only recommends those that
   * it was trained with. Changes are made one after the other, in the order in which they were asked for.
   *
   * @example
   * const [added] = await recommender.addItems([{ id: "new", title: "A new film", fields: { genre: ["Drama"] } }]);
   * @throws DataError for features that are not such as those of training; then nothing is changed
   */
  async addItems(items: readonly GivenItem[], { unfit = "refuse" }: AddOptions = {}): Promise<PutResult[]> {
    if (unfit === "refuse") this.checkItems(items);
    return this.#inTurn(async () => {
      const read = await readItems(this.#retriever, items, (id) => this.#indexOf.get(id));
      const results: PutResult[] = [];
      for (const [k, item] of items.entries()) results.push(await this.#put(item, read[k]!));
      return results;
    });
  }

  /** @throws DataError where ready features of items are not such as those of training */
  checkItems(items: readonly GivenItem[]): void {
    requireFitting(this.#retriever, items);
  }

  /** The fields of an item that was added or changed; undefined where those of the dataset still hold. */
  fieldsOf(id: string): GivenItem["fields"] {
    return this.#fields.get(id);
  }

  /** Why the model cannot recommend an item that was added; undefined where it can. */
  unread(id: string): string | undefined {
    return this.#unread.get(id);
  }

  /** Takes an item out of the catalogue; false where it was not there. */
  deleteItem(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const index = this.#indexOf.get(id);
      if (index === undefined || this.#removed.has(index)) return false;
      this.#removed.add(index);
      this.#fields.delete(id);
      this.#unread.delete(id);
      await this.#retriever.remove(index);
      return true;
    });
  }

  /** Frees the model; the recommender cannot be used afterwards. */
  dispose(): Promise<void> {
    return this.#retriever.dispose();
  }

  async #put(
    { id, title, fields = {} }: GivenItem,
    { vector, near, reason, missing }: ReadItem,
  ): Promise<PutResult> {
    const added = this.item(id) === undefined;
    const index = this.#indexOf.get(id) ?? this.#items.length;
    const named = title === undefined ? { id } : { id, title };
    this.#items[index] = { ...named, count: this.#items[index]?.count ?? 0 };
    this.#indexOf.set(id, index);
    this.#fields.set(id, fields);
    this.#removed.delete(index);
    const recommendable = await this.#retriever.put(index, { fields, vector, near });
    const why = reason ?? "the model has no vector for it";
    if (recommendable) this.#unread.delete(id);
    else this.#unread.set(id, why);
    return {
      added,
      recommendable,
      ...(recommendable ? {} : { reason: why }),
      ...(Object.keys(missing).length > 0 ? { missing } : {}),
    };
  }

  #rows(ids: readonly string[] = []): number[] {
    return ids.map((id) => this.#indexOf.get(id)).filter((row) => row !== undefined);
  }

  #limits({ k, filter, diversity }: SimilarRequest) {
    if (diversity && !this.#retriever.report) {
      const message = `diversity: ${this.model} has no item vectors to tell items apart; leave it out or use a trained model`;
      throw new ConfigError("no-vectors", message);
    }
    return {
      k: checkedCount(k),
      diversity: checkedDiversity(diversity),
      filter: filter && parseFilter(filter, this.#retriever.fields),
    };
  }

  #listed({ rows, scores, sources }: Hits & Partial<Pick<Found, "sources">>): RecommendedItem[] {
    return Array.from(rows, (row, place) => {
      const { id, title } = this.#items[row]!;
      const score = Number(scores[place]!.toPrecision(7)); // float32 has no more digits
      const source = sources?.[place] ?? "sequence";
      return {
        id,
        score,
        ...(title === undefined ? {} : { title }),
        ...(source === "sequence" ? {} : { source }),
      };
    }).filter(({ id }) => this.item(id)); // what was deleted while the model was at work
  }
}
