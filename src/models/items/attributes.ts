/** @file Item fields as item vectors: embedding bags of categories, and numbers. */
import { z } from "zod";
import { add, gather, greater, matmul, mul, split, sum, where } from "../../graph/ops/index.ts";
import { noDropout } from "../../nn/layers.ts";
import { DataError } from "../../tensor/errors.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { defineItemEncoder } from "../define.ts";
import type { ItemContent } from "./content.ts";
import {
  describeFields,
  type Field,
  type FieldOptions,
  fieldRows,
  slotsOf,
  vocabularySize,
} from "./fields.ts";
import { gatedSum, gateKinds } from "./fusions/gates.ts";

const found = z.discriminatedUnion("kind", [
  z.strictObject({ field: z.string(), kind: z.literal("category"), values: z.array(z.string()) }),
  z.strictObject({ field: z.string(), kind: z.literal("words"), values: z.array(z.string()) }),
  z.strictObject({ field: z.string(), kind: z.literal("number"), mean: z.number(), deviation: z.number() }),
]);

/** What says which fields count, and which of their values. */
export const fieldSettings = {
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
} as const;

const { found: foundSetting, ...chosen } = fieldSettings;

const config = z.strictObject({
  name: z.literal("attributes").default("attributes"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  ...chosen,
  words: z
    .array(z.string())
    .default([])
    .describe("texts whose words are values, such as title; an item without them lacks that field"),
  gates: z
    .enum(["none", ...gateKinds])
    .default("none")
    .describe("whether gates that see all fields of an item say how much each counts"),
  found: foundSetting,
});
type Config = z.infer<typeof config>;

interface FieldChoice extends FieldOptions {
  readonly most: number;
  readonly found: Config["found"];
}

/** Settings whose fields are known: found in these items, or in other data. @throws DataError where no item has any */
export async function settledFields<C extends FieldChoice>(content: ItemContent, settings: C): Promise<C> {
  if (settings.found.length > 0) return known(content, settings);
  const fields = describeFields(await content.items(), settings);
  const lacking = settings.fields.find((field) => !fields.some((one) => one.field === field));
  if (fields.length > 0 && lacking === undefined) return { ...settings, found: fields };
  const what = lacking === undefined ? "no field" : `no field "${lacking}"`;
  const message = `${content.where}: the items have ${what} with values that several of them share; import them with --items, or name other fields`;
  throw new DataError("no-attributes", message, { fields: settings.fields });
}

/** Fields and values that were found in other data, of which some item must have one. @throws DataError */
async function known<C extends FieldChoice>(content: ItemContent, settings: C): Promise<C> {
  const { present } = fieldRows(await content.items(), settings.found as readonly Field[], settings.most);
  if (present.includes(1)) return settings;
  const names = settings.found.map(({ field }) => field).join(", ");
  const message = `${content.where}: no item has a value of ${names} that the model knows; import them with --items, or leave the attributes out`;
  throw new DataError("no-attributes", message, { fields: settings.fields });
}

const shapeOf = ({ found: fields, most }: Config) => ({
  slots: fields.map((field) => slotsOf(field as Field, most)),
  numbers: fields.filter(({ kind }) => kind === "number").length,
  vocabulary: vocabularySize(fields),
});

/**
 * Σ over the fields of the mean vector of the item's values, + W·numbers → [N, D]. A field that an item lacks has a
 * learned vector, and so have items that lack all. With gates the fields' vectors, and that of all numbers, are weighed.
 *
 * Source: items as the embeddings of their metadata, M2TRec of Shalaby et al. 2022, arXiv:2209.11824, reconstructed;
 * fields are added up, where the paper joins and projects them, which is the same where a field's vectors are as wide as
 * the result. The gates are those of arXiv:2502.03664, reconstructed. The tasks beside the next item are the auxiliary
 * term `attributes`.
 */
export const attributes = defineItemEncoder<Config>({
  name: "attributes",
  source:
    "metadata embeddings of M2TRec, Shalaby et al. 2022, arXiv:2209.11824, reconstructed; fields are added up, or weighed by the gates of arXiv:2502.03664, reconstructed",
  config,
  derived: () => true,
  loses: () => true,
  apply(p, { count, lose = noDropout }, settings) {
    const { slots, numbers, vocabulary } = shapeOf(settings);
    const { dim, gates } = settings;
    const total = slots.reduce((a, b) => a + b, 0);
    const known = greater(p.constant("present", f32(count, 1), { eachItem: true }), 0);
    const entries = p.constant("entries", i32(count, total), { eachItem: true });
    const given = p.constant("shares", f32(count, total, 1), { eachItem: true });
    const shares = lose(given, p.nameOf("shares"));
    const values = mul(gather(p.weight("values", [vocabulary, dim]), entries), shares); // [N, S, D]
    const fields =
      gates === "none" ? [sum(values, [1])] : split(values, 1, slots).map((field) => sum(field, [1]));
    if (numbers > 0) {
      const columns = p.constant("numbers", f32(count, numbers), { eachItem: true });
      fields.push(matmul(lose(columns, p.nameOf("numbers")), p.weight("weight", [numbers, dim])));
    }
    const x = gates === "none" ? fields.reduce((a, b) => add(a, b)) : gatedSum(p.at("gates"), fields, gates);
    return { vectors: where(known, x, p.bias("missing", dim)), known };
  },
  settle: settledFields,
  readsItems: () => true,
  async constants(content, settings) {
    const items = await content.items();
    const { entries, shares, numbers, present } = fieldRows(
      items,
      settings.found as readonly Field[],
      settings.most,
    );
    const { slots: each, numbers: columns } = shapeOf(settings);
    const slots = each.reduce((a, b) => a + b, 0);
    const rows = items.length;
    return {
      present: { data: Float32Array.from(present), shape: [rows, 1] },
      entries: { data: entries, shape: [rows, slots] },
      shares: { data: shares, shape: [rows, slots, 1] },
      ...(columns > 0 && { numbers: { data: numbers, shape: [rows, columns] } }),
    };
  },
});
