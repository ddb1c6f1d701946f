/** @file The HTTP interface as a value: a `fetch` function that can be tested without a socket. */

import { type Context, Hono, type Handler as HonoHandler, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { suggest } from "../tensor/nearest.ts";
import { type AccessOptions, crossOrigin, keyProblem, limitRate, ownPagesOnly } from "./http/access.ts";
import { documents, type Endpoint, endpoints, type OperationId } from "./http/endpoints.ts";
import { handlersOf } from "./http/handlers.ts";
import { type Metrics, metricsOf } from "./http/metrics.ts";
import { type Log, observe } from "./http/observe.ts";
import { rateLimit } from "./http/rate-limit.ts";
import { honoPath, routeOf } from "./http/route.ts";
import { methodsByPath, openApiDocument } from "./openapi.ts";
import { type PageFile, pagePolicy } from "./pages/files.ts";
import { problemOf, problemResponse } from "./problem.ts";
import { Recommender } from "./recommender.ts";
import { Service } from "./service.ts";

export interface AppOptions extends AccessOptions {
  /** Larger request bodies are refused; 1 MiB by default. */
  readonly bodyLimitBytes?: number | undefined;
  /** Requests a second of one client; no limit by default. */
  readonly rate?: number | undefined;
  /** The version in the OpenAPI document. */
  readonly version?: string | undefined;
  /** The files of the web app by their path; none by default. */
  readonly files?: ReadonlyMap<string, PageFile> | undefined;
  /** Told every error that was answered with 500 or 503, with the id of its request. */
  readonly onError?: ((error: unknown, request: string) => void) | undefined;
  /** Told every request. */
  readonly log?: Log | undefined;
}

/**
 * The HTTP interface of a service, or of a recommender without live state.
 *
 * @example
 * const answer = await app(recommender).request("/healthz");
 */
export function app(served: Service | Recommender, options: AppOptions = {}): Hono {
  const service = served instanceof Recommender ? Service.of(served) : served;
  const { version = "0", keys } = options;
  const metrics = metricsOf(service, version);
  const hono = new Hono();
  addChecks(hono, metrics, options);
  const handlers = handlersOf(service, metrics.fallback);
  for (const [id, endpoint] of Object.entries(endpoints) as [OperationId, Endpoint][]) {
    const handler = handlers[id] as Parameters<typeof routeOf>[0]["handler"];
    hono.on(
      endpoint.method.toUpperCase(),
      honoPath(endpoint.path),
      routeOf({ endpoint, service, keys, handler }),
    );
  }
  addDocuments(hono, metrics, options);
  addPages(hono, options);
  hono.notFound((c) => unknownRoute(c));
  hono.onError((error, c) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && problem.code !== "busy") options.onError?.(error, c.get("requestId"));
    return problemResponse(problem);
  });
  return hono;
}

function addChecks(hono: Hono, metrics: Metrics, options: AppOptions): void {
  const { bodyLimitBytes = 1 << 20, cors, keys, rate, log } = options;
  hono.use(
    pagesPolicy(options),
    requestId({ limitLength: 128 }),
    observe(metrics, log),
    secureHeaders({
      strictTransportSecurity: false,
      crossOriginResourcePolicy: cors?.length ? "cross-origin" : "same-origin",
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    }),
    ownPagesOnly(options),
  );
  if (cors?.length) hono.use(crossOrigin(cors));
  if (rate !== undefined) hono.use(limitRate(rateLimit(rate), keys));
  hono.use(limitBody(bodyLimitBytes));
}

/** Refuses bodies by their announced size; only what is not announced has to be counted on the way. */
function limitBody(maxSize: number): MiddlewareHandler {
  const counted = bodyLimit({ maxSize, onError: () => tooLarge(maxSize) });
  return async (c, next) => {
    if (c.req.header("transfer-encoding") !== undefined) return counted(c, next);
    const announced = c.req.header("content-length");
    if (announced === undefined) return c.req.method === "GET" ? next() : counted(c, next);
    return Number(announced) > maxSize ? tooLarge(maxSize) : next();
  };
}

function addDocuments(hono: Hono, metrics: Metrics, { version = "0", keys }: AppOptions): void {
  const document = openApiDocument(version);
  const answers: Record<keyof typeof documents, HonoHandler> = {
    "/openapi.json": (c) => c.json(document),
    "/metrics": async (c) => c.body(await metrics.text(), 200, { "content-type": metrics.contentType }),
  };
  for (const [path, scope] of Object.entries(documents)) {
    const answer = answers[path as keyof typeof documents];
    hono.get(path, (c, next) => keyProblem(c, scope, keys) ?? answer(c, next));
  }
}

/** Pages may load their own files, which nothing else that is answered may; first, so that it has the last word. */
function pagesPolicy({ files }: AppOptions): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (files?.has(c.req.path)) c.res.headers.set("content-security-policy", pagePolicy);
  };
}

/** The web app, for everybody: what it shows it asks for with a key. */
function addPages(hono: Hono, { files = new Map() }: AppOptions): void {
  for (const [path, { bytes, type, lasting }] of files) {
    const headers = {
      "content-type": type,
      "cache-control": lasting ? "public, max-age=31536000, immutable" : "no-cache",
    };
    hono.get(path, (c) => c.body(bytes, 200, headers));
  }
}

function tooLarge(limit: number): Response {
  const detail = `the body is larger than ${limit} bytes; send less at a time`;
  return problemResponse({ status: 413, code: "too-large", detail });
}

const methods = methodsByPath();
const patterns = [...methods.keys()].map((path) => ({
  path,
  pattern: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));

function unknownRoute(c: Context): Response {
  const { method, path } = c.req;
  const known = patterns.find(({ pattern }) => pattern.test(path))?.path;
  if (known === undefined) {
    const detail = `there is nothing at ${path.slice(0, 200)}${suggest(path.slice(0, 200), [...methods.keys()])}`;
    return problemResponse({ status: 404, code: "unknown-route", detail });
  }
  const allowed = methods.get(known)!.join(", ");
  const detail = `${known} answers ${allowed}, not ${method}`;
  return problemResponse({ status: 405, code: "wrong-method", detail, headers: { allow: allowed } });
}
