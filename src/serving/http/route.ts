/** @file One endpoint as a route: checks key, load and shape, calls the handler, writes its answer. */

import type { Context, Handler as HonoHandler } from "hono";
import type { z } from "zod";
import { RuntimeFailure } from "../../tensor/errors.ts";
import { suggest } from "../../tensor/nearest.ts";
import { problemOf, problemResponse } from "../problem.ts";
import { fieldErrors } from "../schemas.ts";
import type { Service } from "../service.ts";
import { keyProblem } from "./access.ts";
import type { Endpoint, MediaFile } from "./endpoints.ts";
import type { Keys } from "./keys.ts";

export interface RouteOptions {
  readonly endpoint: Endpoint;
  readonly service: Service;
  readonly keys: Keys | undefined;
  readonly handler: (call: { params: unknown; query: unknown; body: unknown }) => Promise<unknown>;
}

/** Hono's spelling of a path with variables. */
export const honoPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

/** Thrown to answer a request before its handler is called. */
class Refusal extends Error {
  readonly response: Response;
  constructor(response: Response) {
    super("refused");
    this.response = response;
  }
}

/** What Hono calls for an endpoint. */
export function routeOf({ endpoint, service, keys, handler }: RouteOptions): HonoHandler {
  const busy = problemOf(new RuntimeFailure("busy", ""));
  return async (c) => {
    const wrongKey = keyProblem(c, endpoint.scope, keys);
    if (wrongKey) return wrongKey;
    if (endpoint.scored && service.recommender.load.full) return problemResponse(busy);
    if (endpoint.changes && service.changesFull) return problemResponse(busy);
    try {
      const params = checked("path", c.req.param(), endpoint.params);
      const query = checked("query", queryOf(c), endpoint.query);
      const body = endpoint.body && checked("body", await jsonOf(c), endpoint.body);
      if (endpoint.batch)
        requireRate(c, (body as Record<string, readonly unknown[]>)[endpoint.batch]!.length);
      const answer = await handler({ params, query, body });
      if (endpoint.media) return fileAnswer(c, answer as MediaFile);
      return answer === undefined ? c.body(null, 204) : c.json(answer);
    } catch (error) {
      if (error instanceof Refusal) return error.response;
      throw error;
    }
  };
}

/** Refuses a body that holds more requests than its client may send now. */
function requireRate(c: Context, count: number): void {
  const refused = c.get("countRequests")?.(count);
  if (refused) throw new Refusal(refused);
}

/** The parameters of a query; one that is given several times is a list. */
const queryOf = (c: Context): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length > 1 ? values : values[0]!]),
  );

const fileAnswer = (c: Context, { bytes, type }: MediaFile): Response =>
  c.body(bytes, 200, { "content-type": type, "cache-control": "private, max-age=3600" });

async function jsonOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const detail =
      text.trim() === "" ? "the body is empty; send a JSON object" : `the body is not JSON: ${reason}`;
    throw new Refusal(problemResponse({ status: 400, code: "not-json", detail }));
  }
}

type Part = Parameters<typeof fieldErrors>[1];

function checked(part: Part, value: unknown, schema: z.ZodType | undefined): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Refusal(wrongShape(part, parsed.error, schema));
}

/** The most faults of one request that are named. */
const mostFaults = 20;

function wrongShape(part: Part, error: z.ZodError, schema: z.ZodType): Response {
  const errors = fieldErrors(error, part).slice(0, mostFaults);
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  const fields = "shape" in schema ? Object.keys(schema.shape as object) : [];
  const hint = unknown ? suggest(unknown.keys[0]!, fields) : "";
  const detail = `${errors.map(({ field, rule }) => `${field}: ${rule}`).join("; ")}${hint}`;
  return problemResponse({ status: 422, code: "wrong-shape", detail, errors });
}
