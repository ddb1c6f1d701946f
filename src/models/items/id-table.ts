/** @file One learned vector for each item. */
import { z } from "zod";
import { defaultDeviation } from "../../nn/params.ts";
import { defineItemEncoder } from "../define.ts";
import { type CoOccurrenceOptions, coOccurrenceVectors, type ItemVectors } from "./co-occurrence.ts";

const config = z.strictObject({
  name: z.literal("id").default("id"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  start: z
    .enum(["noise", "co-occurrence"])
    .default("co-occurrence")
    .describe(
      "first values: noise, or the factorised co-occurrence of items in training histories (of the most frequent, where they are too many)",
    ),
  window: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe("places apart at which two items of a history still count as a pair"),
});

/** The co-occurrence vectors stand out from noise of half the usual size, which tells lonely items apart. */
const [startDeviation, remainingNoise] = [2 * defaultDeviation, 0.5];

/**
 * A table [N, D], used both for the items of a history and for those that are scored (tied). It starts as noise of
 * standard deviation .02, or as co-occurrence vectors of standard deviation .04 with half of that noise. Items that
 * have no such vector, because the catalogue is large and others are more frequent, start as noise.
 */
export const idTable = defineItemEncoder<z.infer<typeof config>>({
  name: "id",
  source:
    "one learned vector an item, tied input and output; start by PPMI factorisation (Levy & Goldberg 2014)",
  config,
  apply: (p, { count }, { dim }) => p.weight("id", [count, dim]),
  async start({ sequences, count, seed, params, inThread }, { dim, start, window }) {
    if (start === "noise") return;
    const argument: CoOccurrenceOptions = { sequences, count, dim, window, seed };
    const module = new URL("./co-occurrence.js", import.meta.url).href;
    const call = { module, name: coOccurrenceVectors.name, argument };
    const { items, vectors } = await inThread<ItemVectors>(call);
    const square = vectors.reduce((total, v) => total + v * v, 0) / vectors.length;
    const scale = square > 0 ? startDeviation / Math.sqrt(square) : 0;
    const table = params.id!;
    items.forEach((item, k) => {
      for (let c = 0; c < dim; c++)
        table[item * dim + c] = remainingNoise * table[item * dim + c]! + scale * vectors[k * dim + c]!;
    });
  },
});
