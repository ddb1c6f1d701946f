/** @file Item fields as item vectors: embedding bags of categories, and numbers. */
import { z } from "zod";
import { add, gather, greater, matmul, mul, sum, where } from "../../graph/ops/index.ts";
import { DataError } from "../../tensor/errors.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { defineItemEncoder } from "../define.ts";
import type { ItemContent } from "./content.ts";
import { describeFields, type Field, fieldRows, vocabularySize } from "./fields.ts";

const found = z.discriminatedUnion("kind", [
  z.strictObject({ field: z.string(), kind: z.literal("category"), values: z.array(z.string()) }),
  z.strictObject({ field: z.string(), kind: z.literal("number"), mean: z.number(), deviation: z.number() }),
]);

const config = z.strictObject({
  name: z.literal("attributes").default("attributes"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  fields: z
    .array(z.string())
    .default([])
    .describe("item fields; none: all that say something of several items"),
  least: z.int().min(1).default(2).describe("values of fewer items than this say nothing"),
  values: z.int().min(1).max(100_000).default(1000).describe("most values of a field, the most frequent"),
  most: z.int().min(1).max(64).default(8).describe("most values of a field that one item has"),
  found: z
    .array(found)
    .default([])
    .describe("the fields and their values; training finds and writes them down where there are none"),
});
type Config = z.infer<typeof config>;

/** Fields and values that were found in other data, of which some item must have one. @throws DataError */
async function known(content: ItemContent, settings: Config): Promise<Config> {
  const { present } = fieldRows(await content.items(), settings.found as readonly Field[], settings.most);
  if (present.includes(1)) return settings;
  const names = settings.found.map(({ field }) => field).join(", ");
  const message = `${content.where}: no item has a value of ${names} that the model knows; import them with --items, or leave the attributes out`;
  throw new DataError("no-attributes", message, { fields: settings.fields });
}

const shapeOf = ({ found: fields, most }: Config) => ({
  slots: fields.reduce((total, { kind }) => total + (kind === "category" ? most : 1), 0),
  numbers: fields.filter(({ kind }) => kind === "number").length,
  vocabulary: vocabularySize(fields),
});

/**
 * Σ over the fields of the mean vector of the item's values, + W·numbers → [N, D]. A field that an item lacks has a
 * learned vector, and so have items that lack all.
 *
 * Source: items as the embeddings of their metadata, M2TRec of Shalaby et al. 2022, arXiv:2209.11824, reconstructed;
 * fields are added up, where the paper joins and projects them, and the tasks beside the next item are not there.
 */
export const attributes = defineItemEncoder<Config>({
  name: "attributes",
  source:
    "metadata embeddings of M2TRec, Shalaby et al. 2022, arXiv:2209.11824, reconstructed; fields are added up",
  config,
  derived: () => true,
  apply(p, { count }, settings) {
    const { slots, numbers, vocabulary } = shapeOf(settings);
    const { dim } = settings;
    const known = greater(p.constant("present", f32(count, 1), { eachItem: true }), 0);
    const entries = p.constant("entries", i32(count, slots), { eachItem: true });
    const shares = p.constant("shares", f32(count, slots, 1), { eachItem: true });
    let x = sum(mul(gather(p.weight("values", [vocabulary, dim]), entries), shares), [1]);
    if (numbers > 0) {
      const columns = p.constant("numbers", f32(count, numbers), { eachItem: true });
      x = add(x, matmul(columns, p.weight("weight", [numbers, dim])));
    }
    return { vectors: where(known, x, p.bias("missing", dim)), known };
  },
  async settle(content, settings) {
    if (settings.found.length > 0) return known(content, settings);
    const fields = describeFields(await content.items(), settings);
    const lacking = settings.fields.find((field) => !fields.some((one) => one.field === field));
    if (fields.length > 0 && lacking === undefined) return { ...settings, found: fields };
    const what = lacking === undefined ? "no field" : `no field "${lacking}"`;
    const message = `${content.where}: the items have ${what} with values that several of them share; import them with --items, or name other fields`;
    throw new DataError("no-attributes", message, { fields: settings.fields });
  },
  readsItems: () => true,
  async constants(content, settings) {
    const items = await content.items();
    const { entries, shares, numbers, present } = fieldRows(
      items,
      settings.found as readonly Field[],
      settings.most,
    );
    const { slots, numbers: columns } = shapeOf(settings);
    const rows = items.length;
    return {
      present: { data: Float32Array.from(present), shape: [rows, 1] },
      entries: { data: entries, shape: [rows, slots] },
      shares: { data: shares, shape: [rows, slots, 1] },
      ...(columns > 0 && { numbers: { data: numbers, shape: [rows, columns] } }),
    };
  },
});
