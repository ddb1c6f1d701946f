/** @file The HTTP interface as a value: a `fetch` function that can be tested without a socket. */

import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";
import { suggest } from "../tensor/nearest.ts";
import { openApiDocument } from "./openapi.ts";
import { problemOf, problemResponse } from "./problem.ts";
import type { Recommender } from "./recommender.ts";
import { fieldErrors, RecommendBody } from "./schemas.ts";

export interface AppOptions {
  /** Larger request bodies are refused; 1 MiB by default. */
  readonly bodyLimitBytes?: number;
  /** The version in the OpenAPI document. */
  readonly version?: string;
  /** Told every error that was answered with 500. */
  readonly onError?: (error: unknown) => void;
}

const routes = { "/v1/recommend": "POST", "/healthz": "GET", "/openapi.json": "GET" } as const;

/**
 * The HTTP interface of a recommender.
 *
 * @example
 * const answer = await app(recommender).request("/healthz");
 */
export function app(recommender: Recommender, options: AppOptions = {}): Hono {
  const { bodyLimitBytes = 1 << 20, version = "0" } = options;
  const document = openApiDocument(version);
  const hono = new Hono();
  hono.use(
    secureHeaders({
      strictTransportSecurity: false,
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    }),
    bodyLimit({ maxSize: bodyLimitBytes, onError: () => tooLarge(bodyLimitBytes) }),
  );
  hono.get("/healthz", (c) => {
    const { failure, model, items } = recommender;
    if (failure === undefined) return c.json({ status: "ok", model, items: items.length });
    return problemResponse({ status: 503, code: "model-gone", detail: `${failure}; restart the service` });
  });
  hono.get("/openapi.json", (c) => c.json(document));
  hono.post("/v1/recommend", (c) => recommend(c, recommender));
  hono.notFound((c) => unknownRoute(c));
  hono.onError((error) => {
    const problem = problemOf(error);
    if (problem.status === 500) options.onError?.(error);
    return problemResponse(problem);
  });
  return hono;
}

async function recommend(c: Context, recommender: Recommender): Promise<Response> {
  const text = await c.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const detail =
      text.trim() === "" ? "the body is empty; send a JSON object" : `the body is not JSON: ${reason}`;
    return problemResponse({ status: 400, code: "not-json", detail });
  }
  const body = RecommendBody.safeParse(value);
  if (!body.success) return wrongShape(body.error);
  const { filter, ...request } = body.data;
  if (filter !== undefined) {
    const detail = 'filter: attribute filters are not available yet; leave "filter" out or use "exclude"';
    return problemResponse({ status: 422, code: "no-filters", detail });
  }
  return c.json(await recommender.recommend(request));
}

function wrongShape(error: Parameters<typeof fieldErrors>[0]): Response {
  const errors = fieldErrors(error);
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  const hint = unknown ? suggest(unknown.keys[0]!, Object.keys(RecommendBody.shape)) : "";
  const detail = `${errors.map(({ field, rule }) => `${field}: ${rule}`).join("; ")}${hint}`;
  return problemResponse({ status: 422, code: "wrong-shape", detail, errors });
}

function tooLarge(limit: number): Response {
  const detail = `the body is larger than ${limit} bytes; send a shorter history`;
  return problemResponse({ status: 413, code: "too-large", detail });
}

function unknownRoute(c: Context): Response {
  const { method, path } = c.req;
  const allowed = (routes as Readonly<Record<string, string>>)[path];
  if (allowed === undefined) {
    const detail = `there is nothing at ${path}${suggest(path, Object.keys(routes))}`;
    return problemResponse({ status: 404, code: "unknown-route", detail });
  }
  const headers = { allow: allowed };
  const detail = `${path} answers ${allowed}, not ${method}`;
  return problemResponse({ status: 405, code: "wrong-method", detail, headers });
}
