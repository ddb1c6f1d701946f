/** @file What a running service remembers: events, changed items and who was erased. One interface, several storages. */

/** An interaction that was reported to the service. */
export interface LiveEvent {
  /** Two events of one id are one event: the first that was stored. */
  readonly id: string;
  readonly user: string;
  readonly item: string;
  /** Seconds since 1970. */
  readonly time: number;
}

/** An item that was added or changed while the service ran. */
export interface LiveItem {
  readonly id: string;
  readonly title?: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Ready features by the names of their tables, where the encoders do not make them. */
  readonly features?: Readonly<Record<string, readonly number[]>> | undefined;
}

export type ItemChange =
  | { readonly kind: "put"; readonly item: LiveItem }
  | { readonly kind: "delete"; readonly id: string };

/** The events of one user, oldest first; those of one time in the order they came. */
export interface UserEvents {
  readonly items: readonly string[];
  /** Beside `items`. */
  readonly times: readonly number[];
  /** True where the user was erased at some time: nothing from before, in whatever place, may be used. */
  readonly erased: boolean;
}

/** The most events of a user that are given; older ones are kept, but no longer read. */
export const MOST_EVENTS = 10_000;

/**
 * Keeps what a service must not forget. What a call has resolved is durable: it survives the end of the process and of
 * the machine. Every method fails with a RuntimeFailure of code "store" where the storage does.
 */
export interface Store {
  readonly kind: "memory" | "duckdb" | "postgres";
  /** Stores events; those whose id is known already are left out. Resolves to how many were new. */
  append(events: readonly LiveEvent[]): Promise<number>;
  /** A user's events, those of other processes on the same storage included; empty for who is not known. */
  events(user: string): Promise<UserEvents>;
  /** Removes everything of a user and remembers, by a keyed hash, that what other places hold is void. */
  erase(user: string): Promise<void>;
  changeItem(change: ItemChange): Promise<void>;
  /** The last change of every changed item. */
  itemChanges(): Promise<readonly ItemChange[]>;
  /** Told the changes that other processes on the same storage have made. One listener at a time. */
  onItemChange(listener: (change: ItemChange) => void): void;
  close(): Promise<void>;
}
