/** @file The OpenAPI 3.1 document, written by the schemas that validate. */

import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { documents, type Endpoint, endpoints } from "./http/endpoints.ts";
import * as live from "./live-schemas.ts";
import * as schemas from "./schemas.ts";

/** Schemas by the names under which the document has them. */
const named = Object.entries<unknown>({ ...schemas, ...live }).filter(
  (entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType,
);

const contentOf = (schema: z.ZodType, io: "input" | "output", type: string): object => {
  const name = named.find(([, known]) => known === schema)?.[0];
  return { [type]: { schema: name ? { $ref: `#/components/schemas/${name}` } : schemaOf(schema, io) } };
};

const problem = (description: string): object => ({
  description,
  content: contentOf(schemas.Problem, "output", "application/problem+json"),
});

/** The document that GET /openapi.json answers. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [operationId, endpoint] of Object.entries(endpoints) as [string, Endpoint][]) {
    paths[endpoint.path] = { ...paths[endpoint.path], [endpoint.method]: operation(operationId, endpoint) };
  }
  paths["/openapi.json"] = { get: documentOperation("document", "This document", "application/json") };
  paths["/metrics"] = {
    get: { ...documentOperation("metrics", "Measurements for Prometheus", "text/plain"), ...secured },
  };
  return {
    openapi: "3.1.0",
    info: { title: "Sequitur", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      schemas: Object.fromEntries(
        named.map(([name, schema]) => [name, schemaOf(schema, name.endsWith("Body") ? "input" : "output")]),
      ),
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "an API key, where the service has keys" },
      },
    },
  };
}

const secured = { security: [{ key: [] }, {}] } as const;

function operation(operationId: string, endpoint: Endpoint): object {
  const { summary, scope, body, params, query } = endpoint;
  const parameters = [...parametersOf(params, "path"), ...parametersOf(query, "query")];
  return {
    operationId,
    summary,
    ...(scope === "open" ? {} : secured),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? { requestBody: { required: true, content: contentOf(body, "input", "application/json") } }
      : {}),
    responses: responsesOf(endpoint),
  };
}

function successOf({ answer, media }: Endpoint): object {
  if (answer)
    return { 200: { description: "done", content: contentOf(answer, "output", "application/json") } };
  return media
    ? { 200: { description: "done", content: { [media]: {} } } }
    : { 204: { description: "done" } };
}

function responsesOf(endpoint: Endpoint): object {
  const { scope, body, params, query, problems } = endpoint;
  const checked = body !== undefined || params !== undefined || query !== undefined;
  const others: Record<number, string> = {
    ...(body ? { 400: "the body is not JSON", 413: "the body is too large" } : {}),
    ...(scope === "open" ? {} : { 401: "there is no right key", 403: "the key may not do this" }),
    ...(checked ? { 422: "the request has the wrong shape" } : {}),
    429: "this client sends too many requests",
    500: "the server failed",
    503: unavailable(endpoint),
    ...problems,
  };
  return {
    ...successOf(endpoint),
    ...Object.fromEntries(Object.entries(others).map(([status, text]) => [status, problem(text)])),
  };
}

function unavailable({ scored, changes }: Endpoint): string {
  if (scored) return "too many requests wait, or the model is gone";
  const cannot = "the service cannot do this now";
  return changes ? `too many changes wait, or ${cannot}` : cannot;
}

function parametersOf(schema: z.ZodType | undefined, place: "path" | "query"): object[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    schema: property,
  }));
}

const documentOperation = (operationId: string, summary: string, type: string): object => ({
  operationId,
  summary,
  responses: { 200: { description: STATUS_CODES[200], content: { [type]: {} } } },
});

function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

/** Every path with the methods that it answers. */
export function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>(Object.keys(documents).map((path) => [path, ["GET"]]));
  for (const { path, method } of Object.values(endpoints)) {
    methods.set(path, [...(methods.get(path) ?? []), method.toUpperCase()]);
  }
  return methods;
}
