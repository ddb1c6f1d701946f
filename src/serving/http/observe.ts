/** @file Every request has an id, a place in the metrics and, where asked, a line in the log. */

import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import type { Metrics } from "./metrics.ts";

/** One line of the log. Ids of users and items are not in it, so that an erased user leaves nothing here. */
export interface LogEntry {
  readonly time: string;
  readonly level: "info" | "error";
  readonly request?: string | undefined;
  readonly method?: string;
  readonly route?: string;
  readonly status?: number;
  readonly ms?: number;
  readonly message?: string;
}

export type Log = (entry: LogEntry) => void;

declare module "hono" {
  interface ContextVariableMap {
    requestId: string;
  }
}

/** Measures the rest of the chain. */
export function observe(metrics: Metrics, log: Log | undefined): MiddlewareHandler {
  return async (c, next) => {
    const start = performance.now();
    await next();
    const ms = performance.now() - start;
    if (!c.res.headers.has("x-request-id")) c.res.headers.set("x-request-id", c.get("requestId")); // of problems
    const path = routePath(c, -1);
    const route = path === "/*" || path === "*" ? "other" : path;
    const { method } = c.req;
    const { status } = c.res;
    metrics.request({ method, route, status, seconds: ms / 1000 });
    const level = status >= 500 && status !== 503 ? "error" : "info";
    log?.({
      time: new Date().toISOString(),
      level,
      request: c.get("requestId"),
      method,
      route,
      status,
      ms: Math.round(ms * 1000) / 1000,
    });
  };
}
