/** @file One learned vector for each item. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { and, fill, greater, where } from "../../graph/ops/index.ts";
import { defaultDeviation } from "../../nn/params.ts";
import { f32, type Tensor } from "../../tensor/spec.ts";
import { defineItemEncoder, type StartInput } from "../define.ts";
import { type CoOccurrenceOptions, coOccurrenceVectors, type ItemVectors } from "./co-occurrence.ts";
import { leadingColumns, requireTable } from "./feature-columns.ts";

const config = z.strictObject({
  name: z.literal("id").default("id"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  start: z
    .enum(["noise", "co-occurrence", "features"])
    .default("co-occurrence")
    .describe(
      "first values: noise, the factorised co-occurrence of items in training histories (of the most frequent, where they are too many), or columns of a feature table",
    ),
  table: z.string().default("text").describe("the feature table that the first values may come from"),
  window: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe("places apart at which two items of a history still count as a pair"),
  dropout: z
    .number()
    .min(0)
    .max(0.95)
    .default(0)
    .describe(
      "share of the items whose id a training step does without, where something else is known of them",
    ),
  unseen: z
    .enum(["noise", "none"])
    .default("noise")
    .describe("what an item that training has never seen has for a vector: the first values, or none"),
});
type Config = z.infer<typeof config>;

/** The co-occurrence vectors stand out from noise of half the usual size, which tells lonely items apart. */
const [startDeviation, remainingNoise] = [2 * defaultDeviation, 0.5];

/**
 * A table [N, D], used both for the items of a history and for those that are scored (tied). It starts as noise of
 * standard deviation .02, or as vectors of standard deviation .04 with half of that noise. Items that have no such vector,
 * because the catalogue is large and others are more frequent, start as noise.
 */
export const idTable = defineItemEncoder<Config>({
  name: "id",
  source:
    "one learned vector an item, tied input and output; start by PPMI factorisation (Levy & Goldberg 2014)",
  config,
  derived: ({ unseen }) => unseen === "none",
  apply(p, { count, drop, lose }, { dim, dropout, unseen }) {
    const table = p.table("id", [count, dim]);
    const there = (): Value => fill(p.graph, [count, 1], 1);
    const masks: Value[] = [];
    if (unseen === "none") masks.push(greater(p.constant("seen", f32(count, 1), { eachItem: true }), 0));
    if (dropout > 0) masks.push(greater(drop(dropout)(there(), p.nameOf("id")), 0));
    if (lose) masks.push(greater(lose(there(), p.nameOf("lost")), 0));
    if (masks.length === 0) return { vectors: table, known: null };
    const known = masks.reduce(and);
    return { vectors: where(known, table, 0), known };
  },
  tables: ({ start, table }) => (start === "features" ? [{ table, columns: 0 }] : []),
  async settle(content, settings) {
    if (settings.start === "features") await requireTable(settings.table, content);
    return settings;
  },
  async constants({ counts }, { unseen }): Promise<Record<string, Tensor>> {
    if (unseen === "noise") return {};
    return { seen: { data: Float32Array.from(counts, (n) => Math.min(n, 1)), shape: [counts.length, 1] } };
  },
  async start(input, settings) {
    const { params } = input;
    const { items, vectors } = await firstVectors(input, settings);
    const { dim } = settings;
    const square = vectors.reduce((total, v) => total + v * v, 0) / Math.max(1, vectors.length);
    const scale = square > 0 ? startDeviation / Math.sqrt(square) : 0;
    const table = params.id!;
    items.forEach((item, k) => {
      for (let c = 0; c < dim; c++)
        table[item * dim + c] = remainingNoise * table[item * dim + c]! + scale * vectors[k * dim + c]!;
    });
  },
});

/** Vectors that say something of some items; of none where the table starts as noise. */
async function firstVectors(
  { sequences, content, count, seed, inThread }: StartInput,
  { dim, start, window, table }: Config,
): Promise<ItemVectors> {
  if (start === "noise") return { items: new Int32Array(0), vectors: new Float32Array(0) };
  if (start === "features") return leadingColumns(await content.features(table), dim);
  const argument: CoOccurrenceOptions = { sequences, count, dim, window, seed };
  const module = new URL("./co-occurrence.js", import.meta.url).href;
  return inThread<ItemVectors>({ module, name: coOccurrenceVectors.name, argument });
}
