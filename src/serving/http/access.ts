/** @file Who may call what: keys and their scopes, other web sites, other names of this machine, rates. */

import type { IncomingMessage } from "node:http";
import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { problemResponse } from "../problem.ts";
import type { Scope } from "./endpoints.ts";
import { type Keys, mayCall } from "./keys.ts";
import type { RateLimit } from "./rate-limit.ts";

export interface AccessOptions {
  /** Without keys everybody may call everything. */
  readonly keys?: Keys | undefined;
  /** Origins of web sites whose pages may call; none by default. */
  readonly cors?: readonly string[] | undefined;
}

/** True for hosts that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}

/** Lets pages of the named origins call. */
export const crossOrigin = (origins: readonly string[]): MiddlewareHandler =>
  cors({
    origin: [...origins],
    allowMethods: ["GET", "POST", "PUT", "DELETE"],
    allowHeaders: ["authorization", "content-type", "x-request-id"],
    exposeHeaders: ["retry-after", "x-request-id"],
    maxAge: 600,
  });

/**
 * A service without keys trusts this machine, but not the web pages that its browser shows: refuses what comes from a
 * page of another origin, or through a host name that is made to point here.
 */
export function ownPagesOnly({ keys, cors: allowed = [] }: AccessOptions): MiddlewareHandler {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (keys === undefined) {
      if (!isLoopback(hostName(host)))
        return refused(`this service has no API keys, so it answers only to local names`);
      if (origin !== undefined && !allowed.includes(origin) && hostOf(origin) !== host)
        return refused("pages of other origins may not call; start the service with --cors ORIGIN");
    }
    return next();
  };
}

const hostName = (host: string): string => host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

const refused = (detail: string): Response => problemResponse({ status: 403, code: "other-origin", detail });

/** What keeps a caller without the right key out; undefined where the call may go on. */
export function keyProblem(c: Context, scope: Scope, keys: Keys | undefined): Response | undefined {
  if (keys === undefined || scope === "open") return undefined;
  const key = presentedKey(c);
  const held = key === undefined ? undefined : keys.scopeOf(key);
  if (mayCall(held, scope)) return undefined;
  if (held !== undefined) {
    const detail = `this key may ${held}, but this call needs one that may ${scope}`;
    return problemResponse({ status: 403, code: "wrong-scope", detail });
  }
  const headers = { "www-authenticate": "Bearer" };
  const detail =
    key === undefined
      ? 'this call needs an API key; send it as "authorization: Bearer KEY"'
      : "there is no such API key; ask the operator for one";
  return problemResponse({ status: 401, code: "no-key", detail, headers });
}

declare module "hono" {
  interface ContextVariableMap {
    /** Told that a request that was let in is `count` requests: what keeps it out, or undefined. */
    countRequests?: (count: number) => Response | undefined;
  }
}

/** Refuses clients that send too much: those with a right key by it, others by their address. */
export function limitRate(limit: RateLimit, keys: Keys | undefined): MiddlewareHandler {
  return async (c, next) => {
    const key = presentedKey(c);
    const known = key !== undefined && keys?.scopeOf(key) !== undefined;
    const client = known ? `key ${key}` : addressOf(c);
    const wait = limit.take(client);
    if (wait > 0) return tooManyRequests(wait);
    c.set("countRequests", (count) => {
      const more = limit.take(client, { count, taken: 1 });
      return more > 0 ? tooManyRequests(more) : undefined;
    });
    return next();
  };
}

function tooManyRequests(wait: number): Response {
  const headers = { "retry-after": String(Math.ceil(wait)) };
  const detail = "too many requests of this client; wait and send fewer";
  return problemResponse({ status: 429, code: "too-many-requests", detail, headers });
}

const presentedKey = (c: Context): string | undefined =>
  /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];

/** The other end's address; tests have no socket. */
function addressOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as { incoming?: IncomingMessage };
  return incoming?.socket.remoteAddress ?? "none";
}
