/** @file The shapes of the HTTP interface: what validates requests also writes the OpenAPI document. */

import { z } from "zod";
import { MOST_ITEMS } from "./recommender.ts";

const id = z.string().min(1).max(4096);

/** The body of POST /v1/recommend. */
export const RecommendBody = z
  .strictObject({
    history: z.array(id).max(10_000).optional().describe("item ids, oldest first"),
    user: id.optional().describe("a user of the dataset"),
    k: z.int().min(1).max(MOST_ITEMS).default(10).describe("how many items; the catalogue may hold fewer"),
    exclude: z.array(id).max(10_000).optional().describe("item ids that must not be recommended"),
    filter: z.record(z.string(), z.unknown()).optional().describe("not available yet; answered with 422"),
  })
  .refine(({ history, user }) => (history === undefined) !== (user === undefined), {
    message: 'give either "history" or "user"',
  })
  .meta({ oneOf: [{ required: ["history"] }, { required: ["user"] }] });
export type RecommendBody = z.infer<typeof RecommendBody>;

/** The answer of POST /v1/recommend. */
export const RecommendAnswer = z.object({
  items: z.array(z.object({ id: z.string(), score: z.number(), title: z.string().optional() })),
  model: z.string().describe("recipe@hash of the model file"),
  unknown: z.array(z.string()).optional().describe("ids of the history that were skipped"),
  fallback: z.literal("popularity").optional().describe("the model had nothing to go by"),
  reason: z.string().optional(),
});
export type RecommendAnswer = z.infer<typeof RecommendAnswer>;

/** The answer of GET /healthz. */
export const HealthAnswer = z.object({ status: z.literal("ok"), model: z.string(), items: z.int() });

/** RFC 9457 problem details. */
export const Problem = z.object({
  type: z.string().describe('"about:blank": the title is the HTTP status'),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe("one sentence: what is wrong and what to do"),
  code: z.string().describe("a fixed name for programs"),
  errors: z
    .array(z.object({ field: z.string(), rule: z.string() }))
    .optional()
    .describe("each field that is wrong"),
});
export type Problem = z.infer<typeof Problem>;

/** What is wrong with a value, field by field, with the nearest name for unknown fields. */
export function fieldErrors(error: z.ZodError): { field: string; rule: string }[] {
  return error.issues.map((issue) => {
    const field = issue.path.reduce<string>(
      (path, key) =>
        typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`,
      "",
    );
    return { field: field === "" ? "body" : field, rule: issue.message };
  });
}
