/** @file The shapes of what changes a running service: events, items, users, reloading. */

import { z } from "zod";

/** An id that every storage can hold. */
export const LiveId = z
  .string()
  .min(1)
  .max(512)
  .refine((text) => isWellFormed(text), { message: "is not well-formed text" });

/** True for text that every storage takes as it is: no half characters, no NUL. */
export const isWellFormed = (text: string): boolean => !/[\0\p{Surrogate}]/u.test(text);

/** The body of POST /v1/events. */
export const EventsBody = z.strictObject({
  events: z
    .array(
      z.strictObject({
        id: LiveId.optional().describe("two events of one id are one; one is made up where there is none"),
        user: LiveId,
        item: LiveId,
        time: z
          .number()
          .min(-1e12)
          .max(1e15)
          .optional()
          .describe("seconds since 1970; now where there is none"),
      }),
    )
    .min(1)
    .max(10_000),
});
export type EventsBody = z.input<typeof EventsBody>;

/** The answer of POST /v1/events: everything in the post is durable. */
export const EventsAnswer = z.object({
  accepted: z.int().describe("all events of the post"),
  duplicates: z.int().describe("events whose id was stored before"),
  unknownItems: z
    .array(z.string())
    .optional()
    .describe("items that are not in the catalogue; their events are stored and count once they are"),
});
export type EventsAnswer = z.output<typeof EventsAnswer>;

/** The body of PUT /v1/items/{id}. */
export const ItemBody = z.strictObject({
  title: z.string().max(4096).optional(),
  fields: z
    .record(z.string().max(256), z.json())
    .optional()
    .describe("what content encoders and filters read"),
  features: z
    .record(z.string().max(256), z.array(z.number()).max(65_536))
    .optional()
    .describe("ready features by the names of their tables, where the service cannot encode them itself"),
});
export type ItemBody = z.input<typeof ItemBody>;

/** The answer of PUT /v1/items/{id}. */
export const PutItemAnswer = z.object({
  id: z.string(),
  added: z.boolean().describe("false where the item was there and is changed"),
  recommendable: z.boolean().describe("whether the model can recommend it"),
  reason: z.string().optional().describe("why it cannot, and what to do"),
  missing: z
    .record(z.string(), z.string())
    .optional()
    .describe("feature tables in which the item has nothing, and why: the model does without"),
});
export type PutItemAnswer = z.output<typeof PutItemAnswer>;

/** The answer of POST /v1/admin/reload. */
export const ReloadAnswer = z.object({
  model: z.string().describe("the model that answers from now on"),
  previous: z.string(),
});
export type ReloadAnswer = z.output<typeof ReloadAnswer>;

export const ItemPath = z.strictObject({ id: LiveId });
export const UserPath = z.strictObject({ id: LiveId });
