/** @file What runs behind the HTTP interface: the model of the moment, the live state, and the change from model to model. */

import { randomUUID } from "node:crypto";
import { ConfigError, RuntimeFailure } from "../tensor/errors.ts";
import type { QueueOptions } from "./batcher.ts";
import { createDoor, type Door } from "./http/door.ts";
import { type EventsAnswer, type EventsBody, isWellFormed, type ReloadAnswer } from "./live-schemas.ts";
import type { PutResult, Recommender } from "./recommender.ts";
import { memoryStore } from "./state/memory-store.ts";
import type { ItemChange, LiveItem, Store, UserEvents } from "./state/store.ts";

/** What a recommender is opened with. */
export interface LiveParts {
  readonly events: (user: string) => Promise<UserEvents>;
  readonly queue: QueueOptions;
  /** True where another model answers meanwhile. */
  readonly reloading: boolean;
}

export interface ServiceOptions {
  /** Opens the model: at the start and at every reload. */
  readonly open: (parts: LiveParts) => Promise<Recommender>;
  /** Where live state is kept; in memory by default. */
  readonly store?: Store | undefined;
  readonly queue?: QueueOptions | undefined;
  /** The most changes of items and erasures that are at work or wait; 64 by default, since each may be as large as a body. */
  readonly changes?: number | undefined;
}

/** What happens inside a service, for its metrics. */
export interface ServiceListener {
  batch?(size: number, ms: number): void;
  events?(answer: EventsAnswer): void;
  reload?(result: "done" | "failed"): void;
  /** A request that was not let in. */
  refused?(request: { readonly method: string; readonly path: string }): void;
}

const nothing: UserEvents = { items: [], times: [], erased: false };

/** A model in use and how many requests use it. */
interface Use {
  readonly recommender: Recommender;
  requests: number;
  retired: boolean;
}

/** A recommender whose users, items and model change while it answers. */
export class Service {
  readonly store: Store;
  /** Where requests for the model wait. */
  readonly door: Door;
  listener: ServiceListener = {};
  readonly #options: ServiceOptions;
  #use: Use | undefined;
  /** A model that is being opened, and the items that were changed since: changes reach it too. */
  #next: { readonly recommender: Recommender; readonly changed: Set<string> } | undefined;
  #reloading: Promise<ReloadAnswer> | undefined;
  #changing = 0; // changes of items and erasures that callers wait for
  #closing = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.store = options.store ?? memoryStore();
    this.door = createDoor(options.queue);
  }

  /** Opens the model and applies what the store remembers; the store is closed where that fails. */
  static async open(options: ServiceOptions): Promise<Service> {
    const service = new Service(options);
    try {
      service.#use = { recommender: await service.#open(), requests: 0, retired: false };
    } catch (error) {
      await service.store.close();
      throw error;
    } finally {
      service.#next = undefined;
    }
    service.store.onItemChange((change) => void service.#apply(change).catch(() => {}));
    return service;
  }

  /** A service of one open recommender: it cannot be reloaded, and its live state ends with it. */
  static of(recommender: Recommender): Service {
    const open = (): Promise<Recommender> =>
      Promise.reject(new RuntimeFailure("no-reload", "this service was not opened from a run folder"));
    const service = new Service({ open });
    service.#use = { recommender, requests: 0, retired: false };
    return service;
  }

  /** The model of the moment. */
  get recommender(): Recommender {
    return this.#current.recommender;
  }

  /** True from the moment on when the service is to end. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Uses the model of the moment, which stays open until `work` is done. */
  async with<T>(work: (recommender: Recommender) => T | Promise<T>): Promise<T> {
    const use = this.#current;
    use.requests++;
    try {
      return await work(use.recommender);
    } finally {
      use.requests--;
      if (use.retired && use.requests === 0) await use.recommender.dispose();
    }
  }

  /** Stores events; durable once it has resolved. */
  async addEvents({ events }: EventsBody): Promise<EventsAnswer> {
    const now = Date.now() / 1000;
    const live = events.map(({ id = randomUUID(), time = now, user, item }) => ({ id, user, item, time }));
    const stored = await this.store.append(live);
    const { recommender } = this;
    const unknown = new Set(live.map(({ item }) => item).filter((item) => !recommender.item(item)));
    const answer = {
      accepted: live.length,
      duplicates: live.length - stored,
      ...(unknown.size > 0 ? { unknownItems: [...unknown] } : {}),
    };
    this.listener.events?.(answer);
    return answer;
  }

  /**
   * Adds or changes an item, for good.
   *
   * @throws DataError for features that the model cannot take, RuntimeFailure of code "busy" where too many changes wait;
   * nothing is stored then
   */
  async putItem(item: LiveItem): Promise<PutResult> {
    this.recommender.checkItems([item]);
    return (await this.#change({ kind: "put", item })) as PutResult;
  }

  /** Takes an item out of the catalogue, for good; one that is not there stays away. @throws as `putItem` */
  async deleteItem(id: string): Promise<void> {
    await this.#change({ kind: "delete", id });
  }

  /** True where the next change of an item, or erasure, would be refused. */
  get changesFull(): boolean {
    return this.#changing >= (this.#options.changes ?? 64);
  }

  /** Removes everything of a user, for good. @throws as `putItem` */
  eraseUser(user: string): Promise<void> {
    return this.#inLine(() => this.store.erase(user));
  }

  /** Opens the model anew and changes over to it; requests on the way end with the old one. */
  reload(): Promise<ReloadAnswer> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  /** From now on the service says that it ends. */
  stop(): void {
    this.#closing = true;
  }

  /** Frees the model and closes the store. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#reloading?.catch(() => {});
    await this.recommender.dispose();
    await this.store.close();
  }

  get #current(): Use {
    if (this.#use) return this.#use;
    throw new ConfigError("service", "service: it is not open; make it with Service.open");
  }

  async #reload(): Promise<ReloadAnswer> {
    try {
      const recommender = await this.#open();
      const old = this.#current;
      this.#use = { recommender, requests: 0, retired: false };
      old.retired = true;
      if (old.requests === 0) await old.recommender.dispose();
      this.listener.reload?.("done");
      return { model: recommender.model, previous: old.recommender.model };
    } catch (error) {
      this.listener.reload?.("failed");
      throw error;
    } finally {
      this.#next = undefined;
    }
  }

  async #open(): Promise<Recommender> {
    const { open, queue } = this.#options;
    const recommender = await open({
      events: async (user) => (isWellFormed(user) ? this.store.events(user) : nothing), // no storage has such a user
      reloading: this.#use !== undefined,
      queue: {
        ...queue,
        onBatch: (size, ms) => this.listener.batch?.(size, ms),
      },
    });
    const changed = new Set<string>();
    this.#next = { recommender, changed }; // before the changes are read, so that none falls between
    try {
      const changes = await this.store.itemChanges();
      await applyAll(
        recommender,
        changes.filter((change) => !changed.has(idOf(change))), // what has come since is newer
      );
      return recommender;
    } catch (error) {
      await recommender.dispose();
      throw error;
    }
  }

  /** Stores a change, then applies it: both one after the other, so that those that wait are counted here. */
  #change(change: ItemChange): Promise<PutResult | undefined> {
    return this.#inLine(async () => {
      await this.store.changeItem(change);
      return this.#apply(change);
    });
  }

  /** Counts what waits for the store, and refuses what is too much. */
  async #inLine<T>(work: () => Promise<T>): Promise<T> {
    if (this.changesFull) throw new RuntimeFailure("busy", "too many changes wait");
    this.#changing++;
    try {
      return await work();
    } finally {
      this.#changing--;
    }
  }

  async #apply(change: ItemChange): Promise<PutResult | undefined> {
    this.#next?.changed.add(idOf(change));
    if (this.#next) await applyAll(this.#next.recommender, [change]);
    return this.with(async (recommender) => (await applyAll(recommender, [change]))[0]);
  }
}

const idOf = (change: ItemChange): string => (change.kind === "put" ? change.item.id : change.id);

/** Applies changes of different items; what became of those that were put. */
async function applyAll(recommender: Recommender, changes: readonly ItemChange[]): Promise<PutResult[]> {
  const put = changes.flatMap((change) => (change.kind === "put" ? [change.item] : []));
  const deleted = changes.filter(({ kind }) => kind === "delete").map(idOf);
  // All are asked for at once, so that no change that is asked for later comes between.
  const [results] = await Promise.all([
    put.length > 0 ? recommender.addItems(put, { unfit: "leave-out" }) : [],
    ...deleted.map((id) => recommender.deleteItem(id)),
  ]);
  return results;
}
