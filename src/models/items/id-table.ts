/** @file One learned vector for each item. */
import { z } from "zod";
import { defineItemEncoder } from "../define.ts";

const config = z.strictObject({
  name: z.literal("id").default("id"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
});

/** A table [N, D], used both for the items of a history and for those that are scored (tied). */
export const idTable = defineItemEncoder<z.infer<typeof config>>({
  name: "id",
  source: "one learned vector an item, tied input and output",
  config,
  apply: (p, { count }, { dim }) => p.weight("id", [count, dim]),
});
