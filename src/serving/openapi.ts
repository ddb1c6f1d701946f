/** @file The OpenAPI 3.1 document, written by the schemas that validate. */

import { z } from "zod";
import { HealthAnswer, Problem, RecommendAnswer, RecommendBody } from "./schemas.ts";

const reference = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const problem = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: reference("Problem") } },
});
const json = (description: string, name: string) => ({
  description,
  content: { "application/json": { schema: reference(name) } },
});

/** The document that GET /openapi.json answers. */
export function openApiDocument(version: string): object {
  return {
    openapi: "3.1.0",
    info: { title: "Sequitur", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths: {
      "/v1/recommend": {
        post: {
          operationId: "recommend",
          summary: "The best items for a user or a history",
          requestBody: {
            required: true,
            content: { "application/json": { schema: reference("RecommendBody") } },
          },
          responses: {
            200: json("recommended items, best first", "RecommendAnswer"),
            400: problem("the body is not JSON"),
            404: problem("there is no such user"),
            413: problem("the body is too large"),
            422: problem("the body has the wrong shape"),
            500: problem("the model failed"),
          },
        },
      },
      "/healthz": {
        get: {
          operationId: "health",
          summary: "Whether the server answers, and with which model",
          responses: { 200: json("it does", "HealthAnswer") },
        },
      },
      "/openapi.json": {
        get: {
          operationId: "document",
          summary: "This document",
          responses: { 200: { description: "OpenAPI 3.1", content: { "application/json": {} } } },
        },
      },
    },
    components: { schemas: componentSchemas() },
  };
}

function componentSchemas(): Record<string, object> {
  return {
    RecommendBody: schemaOf(RecommendBody, "input"),
    RecommendAnswer: schemaOf(RecommendAnswer, "output"),
    HealthAnswer: schemaOf(HealthAnswer, "output"),
    Problem: schemaOf(Problem, "output"),
  };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
