/** @file The shapes of the HTTP interface: what validates requests also writes the OpenAPI document. */

import { z } from "zod";
import { MOST_ITEMS } from "./recommender.ts";

const id = z.string().min(1).max(4096);
const excluded = "item ids that must not be recommended";
const filter = z.record(z.string().max(256), z.json());
const filterExample = '{"genre":{"in":["Drama"]},"year":{"gte":1990}}';
const diverse = "0: by score alone; 1: unlike each other";
const seconds = z.number().min(-1e12).max(1e15).describe("seconds since 1970");

/** The body of POST /v1/recommend. */
export const RecommendBody = z
  .strictObject({
    history: z.array(id).max(10_000).optional().describe("item ids, oldest first"),
    times: z
      .array(seconds)
      .max(10_000)
      .optional()
      .describe(
        "when each item of the history was met, for models that read times; those of a user are known",
      ),
    user: id.optional().describe("a user of the dataset"),
    at: seconds
      .optional()
      .describe("for when the answer is, for models that read times; now where there is none"),
    k: z.int().min(1).max(MOST_ITEMS).default(10).describe("how many items; the catalogue may hold fewer"),
    exclude: z.array(id).max(10_000).optional().describe(excluded),
    seen: z.enum(["exclude", "include"]).optional().describe("whether items of the history may come again"),
    filter: filter.optional().describe(`what item fields must be, such as ${filterExample}`),
    diversity: z.number().min(0).max(1).optional().describe(diverse),
    trace: z
      .union([z.boolean(), z.strictObject({ items: z.array(id).max(100) })])
      .optional()
      .describe("why these items, and what became of those that are named"),
  })
  .refine(({ history, user }) => (history === undefined) !== (user === undefined), {
    message: 'give either "history" or "user"',
  })
  .meta({ oneOf: [{ required: ["history"] }, { required: ["user"] }] });
export type RecommendBody = z.infer<typeof RecommendBody>;

const source = z.enum(["item-knn", "popularity"]);

const Items = z.array(
  z.object({
    id: z.string(),
    score: z.number(),
    title: z.string().optional(),
    source: source.optional().describe("where it is not the model: whose score this is"),
  }),
);

const outcomes = z.enum([
  "found",
  "ranked-lower",
  "not-diverse",
  "seen",
  "excluded",
  "filtered",
  "removed",
  "not-in-model",
  "unknown",
]);
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const ScoreParts = z
  .object({
    model: z.number(),
    prior: z.number().optional().describe("what counting says"),
    neighbours: z.number().optional().describe("what the neighbours by content say"),
  })
  .describe("what the score is the sum of, where the model's is not all of it");

/** Why this and why not that. */
export const TraceAnswer = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      source: z.enum(["sequence", ...source.options]),
      rank: z.int().describe("by score alone"),
      relevance: z.number().optional().describe("with diversity: the score from 0, the worst, to 1"),
      similarity: z.number().optional().describe("with diversity: the largest cosine to an item above"),
      parts: ScoreParts.optional(),
      history: z
        .array(z.object({ id: z.string(), cosine: z.number().nullable(), change: z.number().nullable() }))
        .describe("the nearest items of the history, and by how much the score falls without each"),
    }),
  ),
  asked: z.array(
    z.object({
      id: z.string(),
      outcome: outcomes,
      rank: z.int().optional(),
      score: z.number().optional(),
      parts: ScoreParts.optional(),
      filter: z
        .object({
          field: z.string(),
          operator: z.string(),
          operand: z.union([scalar, z.array(scalar)]),
          values: z.array(scalar),
        })
        .optional()
        .describe("the condition that the item fails, and what it has"),
    }),
  ),
});

/** The answer of POST /v1/recommend. */
export const RecommendAnswer = z.object({
  items: Items,
  model: z.string().describe("recipe@hash of the model file"),
  unknown: z.array(z.string()).optional().describe("ids of the history that were skipped"),
  fallback: source.optional().describe("the model had nothing to go by: what stands first in its place"),
  reason: z.string().optional(),
  trace: TraceAnswer.optional(),
});
export type RecommendAnswer = z.infer<typeof RecommendAnswer>;

/** The body of POST /v1/recommend/batch. */
export const RecommendBatchBody = z.strictObject({
  requests: z
    .array(RecommendBody)
    .min(1)
    .max(100)
    .describe("each as the body of POST /v1/recommend, and a request of its own for the rate and the queue"),
});
export type RecommendBatchBody = z.infer<typeof RecommendBatchBody>;

/** A filter as it stands in a query. */
const filterText = z
  .string()
  .max(4096)
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: "custom", message: `is not JSON; write it as ${filterExample}` });
      return z.NEVER;
    }
  });

/** The query of GET /v1/items/{id}/similar. */
export const SimilarQuery = z.strictObject({
  k: z.coerce.number().int().min(1).max(MOST_ITEMS).default(10).describe("how many items"),
  exclude: z
    .preprocess((given) => (typeof given === "string" ? [given] : given), z.array(id).max(1000))
    .optional()
    .describe(`${excluded}: one in each parameter of this name`),
  filter: filterText
    .pipe(filter)
    .optional()
    .describe(`what item fields must be: JSON such as ${filterExample}`),
  diversity: z.coerce.number().min(0).max(1).optional().describe(diverse),
});

/** The answer of GET /v1/items/{id}/similar. */
export const SimilarAnswer = z.object({ items: Items, model: z.string() });
export type SimilarAnswer = z.infer<typeof SimilarAnswer>;

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

/** The answer of POST /v1/recommend/batch. */
export const RecommendBatchAnswer = z.object({
  answers: z
    .array(z.union([RecommendAnswer, Problem]))
    .describe("in the order of the requests: for each what POST /v1/recommend answers, or its problem"),
});
export type RecommendBatchAnswer = z.infer<typeof RecommendBatchAnswer>;

/** What is wrong with a part of a request, field by field; what is wrong with it as a whole is told of the part. */
export function fieldErrors(
  error: z.ZodError,
  part: "path" | "query" | "body",
): { field: string; rule: string }[] {
  return error.issues.map((issue) => {
    const field = issue.path.reduce<string>(
      (path, key) =>
        typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`,
      "",
    );
    return { field: field === "" ? part : field, rule: issue.message };
  });
}
