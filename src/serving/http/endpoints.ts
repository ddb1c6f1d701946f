/** @file Every endpoint as data: routes, checks, metrics, the OpenAPI document and the fuzz test read this one table. */

import type { z } from "zod";
import {
  EventsAnswer,
  EventsBody,
  ItemBody,
  ItemPath,
  PutItemAnswer,
  ReloadAnswer,
  UserPath,
} from "../live-schemas.ts";
import { DataAnswer, ItemAnswer, ItemsAnswer, ItemsQuery, RunAnswer } from "../pages/schemas.ts";
import {
  HealthAnswer,
  RecommendAnswer,
  RecommendBatchAnswer,
  RecommendBatchBody,
  RecommendBody,
  SimilarAnswer,
  SimilarQuery,
} from "../schemas.ts";

/** Who may call: anyone, keys that read, keys that write. */
export type Scope = "open" | "read" | "write";

export interface Endpoint {
  readonly method: "get" | "post" | "put" | "delete";
  /** Variables are written {name}. */
  readonly path: string;
  readonly scope: Scope;
  readonly summary: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Where there is neither this nor `media`, the answer is 204 without a body. */
  readonly answer?: z.ZodType;
  /** The media type of an answer that is a file. */
  readonly media?: string;
  /** Problems beyond those that every endpoint can answer. */
  readonly problems?: Readonly<Record<number, string>>;
  /** True where the model answers, so that a full queue refuses. */
  readonly scored?: boolean;
  /** The list in the body of which each counts as a request. */
  readonly batch?: "requests";
  /** True where an item is changed or a user erased, so that too many changes that wait refuse. */
  readonly changes?: boolean;
}

export const endpoints = {
  recommend: {
    method: "post",
    path: "/v1/recommend",
    scope: "read",
    summary: "The best items for a user or a history",
    body: RecommendBody,
    answer: RecommendAnswer,
    problems: { 404: "there is no such user" },
    scored: true,
  },
  recommendBatch: {
    method: "post",
    path: "/v1/recommend/batch",
    scope: "read",
    summary:
      "The best items for several users or histories; one that cannot be answered gets its problem. Each counts as a request",
    body: RecommendBatchBody,
    answer: RecommendBatchAnswer,
    scored: true,
    batch: "requests",
  },
  similar: {
    method: "get",
    path: "/v1/items/{id}/similar",
    scope: "read",
    summary: "The items most like one",
    params: ItemPath,
    query: SimilarQuery,
    answer: SimilarAnswer,
    problems: { 404: "there is no such item" },
    scored: true,
  },
  items: {
    method: "get",
    path: "/v1/items",
    scope: "read",
    summary: "Items by words of their titles, the most popular first",
    query: ItemsQuery,
    answer: ItemsAnswer,
  },
  item: {
    method: "get",
    path: "/v1/items/{id}",
    scope: "read",
    summary: "What is known of an item",
    params: ItemPath,
    answer: ItemAnswer,
    problems: { 404: "there is no such item" },
  },
  image: {
    method: "get",
    path: "/v1/items/{id}/image",
    scope: "read",
    summary: "The picture of an item",
    params: ItemPath,
    media: "image/*",
    problems: { 404: "the item has no picture" },
  },
  run: {
    method: "get",
    path: "/v1/run",
    scope: "read",
    summary: "How the model was trained, and how good it is",
    answer: RunAnswer,
    problems: { 404: "the model was not opened from a run folder" },
  },
  data: {
    method: "get",
    path: "/v1/data",
    scope: "read",
    summary: "Counts of the data that the model was trained on",
    answer: DataAnswer,
    problems: { 404: "the dataset is not there" },
  },
  events: {
    method: "post",
    path: "/v1/events",
    scope: "write",
    summary: "Reports what users did; answered once it is durable, and seen by their next request",
    body: EventsBody,
    answer: EventsAnswer,
  },
  putItem: {
    method: "put",
    path: "/v1/items/{id}",
    scope: "write",
    summary: "Adds or changes an item",
    params: ItemPath,
    body: ItemBody,
    answer: PutItemAnswer,
    changes: true,
  },
  deleteItem: {
    method: "delete",
    path: "/v1/items/{id}",
    scope: "write",
    summary: "Takes an item out of the catalogue",
    params: ItemPath,
    changes: true,
  },
  deleteUser: {
    method: "delete",
    path: "/v1/users/{id}",
    scope: "write",
    summary: "Removes everything that is known of a user",
    params: UserPath,
    changes: true,
  },
  reload: {
    method: "post",
    path: "/v1/admin/reload",
    scope: "write",
    summary: "Opens the run folder again and changes over to its model without failing a request",
    answer: ReloadAnswer,
  },
  health: {
    method: "get",
    path: "/healthz",
    scope: "open",
    summary: "Whether the server answers, and with which model",
    answer: HealthAnswer,
  },
} as const satisfies Record<string, Endpoint>;

export type Endpoints = typeof endpoints;
export type OperationId = keyof Endpoints;

type Read<E, K extends string> = E extends Readonly<Record<K, z.ZodType>> ? z.output<E[K]> : undefined;
type Written<E> = E extends { readonly answer: z.ZodType }
  ? Unchanging<z.input<E["answer"]>>
  : E extends { readonly media: string }
    ? MediaFile
    : undefined;
type Unchanging<T> = unknown extends T ? T : { readonly [K in keyof T]: Unchanging<T[K]> };

/** An answer that is a file. */
export interface MediaFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** A request whose parts have been checked. */
export interface Call<Id extends OperationId> {
  readonly params: Read<Endpoints[Id], "params">;
  readonly query: Read<Endpoints[Id], "query">;
  readonly body: Read<Endpoints[Id], "body">;
}

/** What answers an endpoint. */
export type Handler<Id extends OperationId> = (call: Call<Id>) => Promise<Written<Endpoints[Id]>>;
export type Handlers = { readonly [Id in OperationId]: Handler<Id> };

/** Paths that answer a text or a document of another kind, with their scope. */
export const documents = { "/openapi.json": "open", "/metrics": "read" } as const;
