/** @file The shapes of what the web app shows: items found by title, one item, the run, the data. */

import { z } from "zod";

/** The query of GET /v1/items. */
export const ItemsQuery = z.strictObject({
  query: z
    .string()
    .max(200)
    .default("")
    .describe("words of a title, or an id; without it the most popular items"),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const Found = z.object({
  id: z.string(),
  title: z.string().optional(),
  count: z.int().describe("training interactions"),
  image: z.boolean().describe("whether GET /v1/items/{id}/image has a picture"),
});

/** The answer of GET /v1/items. */
export const ItemsAnswer = z.object({ items: z.array(Found) });
export type ItemsAnswer = z.infer<typeof ItemsAnswer>;

/** A number of interactions from a moment on: seconds since 1970. */
const Period = z.object({ from: z.number(), count: z.int() });

/** The answer of GET /v1/items/{id}. */
export const ItemAnswer = Found.extend({
  fields: z.record(z.string(), z.unknown()).describe("the other columns of the items file"),
  recommendable: z.boolean().describe("whether the model can recommend it"),
  reason: z.string().optional().describe("why it cannot"),
  popularity: z
    .array(Period)
    .optional()
    .describe("interactions in equal spans of time, where times are known"),
});
export type ItemAnswer = z.infer<typeof ItemAnswer>;

const Metrics = z.record(z.string(), z.number());

const Shown = z.object({ item: z.string(), title: z.string().optional() });

/** The answer of GET /v1/run. */
export const RunAnswer = z.object({
  model: z.string(),
  recipe: z.string(),
  seed: z.int(),
  config: z.record(z.string(), z.unknown()),
  items: z.int(),
  users: z.int(),
  data: z.string().describe("fingerprint of the data"),
  seconds: z.number().describe("of training"),
  bestEpoch: z.int(),
  epochs: z.array(
    z.object({ epoch: z.int(), loss: z.number(), learningRate: z.number(), validation: Metrics }),
  ),
  evaluation: z
    .object({
      fingerprint: z.string(),
      users: z.int(),
      metrics: Metrics,
      baselines: z.record(z.string(), Metrics),
      byPopularity: z
        .array(
          z.object({
            from: z.int().describe("training interactions of the target, at least"),
            to: z.int().nullable().describe("and at most; null where there is no limit"),
            users: z.int(),
            "HR@10": z.number(),
            "NDCG@10": z.number(),
          }),
        )
        .describe("the same metrics by the popularity of the target"),
      groups: z
        .record(z.string(), z.object({ users: z.int(), metrics: Metrics }))
        .optional()
        .describe("users whose target was in the training, and those whose target was kept from it"),
    })
    .nullable()
    .describe("on the test part; null before sequitur evaluate has run"),
  health: z
    .object({
      items: z.int(),
      dim: z.int(),
      effectiveRank: z.number().nullable().describe("from 1 to dim; null where dim is huge"),
      effectiveRankCentred: z.number().nullable().describe("the same after the mean is taken off"),
      lengthsByPopularity: z
        .array(z.number())
        .describe("mean length in each fifth of the items, those with the fewest interactions first"),
      neighbours: z.array(Shown.extend({ near: z.array(Shown.extend({ cosine: z.number() })) })),
    })
    .nullable()
    .describe("of the item vectors; null for a baseline, which has none"),
});
export type RunAnswer = z.infer<typeof RunAnswer>;

const Bin = z.object({ from: z.int(), to: z.int(), count: z.int() });

/** The answer of GET /v1/data. */
export const DataAnswer = z.object({
  fingerprint: z.string(),
  users: z.int(),
  items: z.int(),
  interactions: z.int(),
  steps: z
    .array(z.object({ step: z.string(), users: z.int(), items: z.int(), interactions: z.int() }))
    .describe("counts after each step of the import"),
  columns: z.array(z.string()).describe("item fields"),
  historyLengths: z.array(Bin).describe("users by their number of interactions"),
  itemCounts: z.array(Bin).describe("items by their number of interactions"),
  longTail: z
    .array(z.object({ items: z.number(), interactions: z.number() }))
    .describe("the share of all interactions that the most popular share of the items has"),
  time: z.object({ first: z.number(), last: z.number(), periods: z.array(Period) }).optional(),
});
export type DataAnswer = z.infer<typeof DataAnswer>;
