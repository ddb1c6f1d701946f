/** @file What stands before the HTTP interface: requests for the model pass a door, or are refused with few instructions. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { RuntimeFailure } from "../../tensor/errors.ts";
import { problemOf, problemText } from "../problem.ts";
import type { Door } from "./door.ts";
import { type Endpoint, endpoints } from "./endpoints.ts";

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

export interface GuardOptions {
  readonly door: Door;
  /** Origins of web sites whose pages may read the refusal. */
  readonly cors?: readonly string[] | undefined;
  /** Told every request that was refused. */
  readonly onRefused: (refused: {
    readonly method: string;
    readonly path: string;
    readonly request: string;
  }) => void;
}

const scored = Object.values<Endpoint>(endpoints)
  .filter((endpoint) => endpoint.scored)
  .map(({ method, path }) => ({
    method: method.toUpperCase(),
    path: path.replaceAll(/\{(\w+)\}/g, ":$1"),
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}(\\?|$)`),
  }));

const busy = problemOf(new RuntimeFailure("busy", ""));
const refusal = problemText(busy);

/** Headers of a refusal, names and values in turn: those that every answer has, as far as a text without scripts needs them. */
const headers: readonly string[] = Object.entries({
  ...busy.headers,
  "content-type": "application/problem+json",
  "content-length": String(refusal.length),
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
}).flat();

/** Headers that let the page of a named origin read an answer. */
function readable({ headers: { origin } }: IncomingMessage, cors: readonly string[]): readonly string[] {
  if (origin === undefined || !cors.includes(origin)) return [];
  const exposed = "retry-after,x-request-id";
  return ["access-control-allow-origin", origin, "access-control-expose-headers", exposed, "vary", "Origin"];
}

/** The listener of a server: `listener` behind the door. */
export function guarded(listener: Listener, { door, cors = [], onRefused }: GuardOptions): Listener {
  function refuse(request: IncomingMessage, response: ServerResponse, path: string): void {
    const id = randomUUID();
    response.writeHead(503, [...headers, "x-request-id", id, ...readable(request, cors)]);
    response.end(refusal);
    onRefused({ method: request.method!, path, request: id });
  }

  return (request, response) => {
    const { method, url = "" } = request;
    const endpoint = scored.find((each) => each.method === method && each.pattern.test(url));
    if (!endpoint) return listener(request, response);
    const enter = (): void => {
      if (response.destroyed) {
        door.leave();
        return;
      }
      response.once("close", () => door.leave());
      listener(request, response);
    };
    if (!door.enter(enter)) refuse(request, response, endpoint.path);
  };
}
