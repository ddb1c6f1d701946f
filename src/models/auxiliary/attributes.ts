/** @file Says what the next item is like, beside which it is. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import {
  add,
  gather,
  gatherElements,
  logSoftmax,
  mul,
  neg,
  reshape,
  split,
  sum,
} from "../../graph/ops/index.ts";
import { linear } from "../../nn/layers.ts";
import { DataError } from "../../tensor/errors.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { fieldSettings, settledFields } from "../items/attributes.ts";
import type { ItemContent } from "../items/content.ts";
import { type Field, fieldRows } from "../items/fields.ts";
import { defineAuxiliary } from "./define.ts";
import { perWeight, weightOf } from "./weight.ts";

const config = z.strictObject({
  name: z.literal("attributes").default("attributes"),
  weight: weightOf(1),
  ...fieldSettings,
});
type Config = z.infer<typeof config>;

type Category = Exclude<Field, { kind: "number" }>;

/** The categories of the settings. @throws DataError where a field that is named holds numbers, or there are none */
async function settle(content: ItemContent, settings: Config): Promise<Config> {
  const { found } = await settledFields(content, settings);
  const categories = found.filter(({ kind }) => kind === "category");
  const numeric = settings.fields.find((field) => !categories.some((one) => one.field === field));
  if (categories.length > 0 && numeric === undefined) return { ...settings, found: categories };
  const what = numeric === undefined ? "the items' fields hold" : `the field "${numeric}" holds`;
  const message = `${content.where}: ${what} numbers, of which auxiliary "attributes" predicts none; name fields with categories, or leave the term out`;
  throw new DataError("no-categories", message, { fields: settings.fields });
}

/**
 * Σ over the fields of −Σᵥ qᵥ·log softmax(W·h + b)ᵥ, the mean by weight over the next items that have the field: h [T, D] →
 * []. Of an item's n values of a field each has q = 1/n. Every field has classes and rows of W of its own.
 *
 * Source: the tasks beside the next item of M2TRec, Shalaby et al. 2022, arXiv:2209.11824, reconstructed (it has no code):
 * there categories have one value, and each task a weight of its own; here that takes a term of its own.
 */
export const attributesTerm = defineAuxiliary<Config>({
  name: "attributes",
  source:
    "multi-task heads of M2TRec, Shalaby et al. 2022, arXiv:2209.11824, reconstructed; several values of a field share the target",
  config,
  apply(p, { h, target, weight, count }, { found, most }) {
    const fields = found as readonly Category[];
    const slots = fields.length * most;
    const rows = (name: string, spec: typeof i32): Value =>
      gather(p.constant(name, spec(count, slots), { eachItem: true }), target);
    const [classes, shares] = [rows("classes", i32), rows("shares", f32)]; // [T, F·S]
    const sizes = fields.map(({ values }) => values.length);
    const scores = linear(
      p,
      h,
      sizes.reduce((a, b) => a + b),
    );
    const each = fields.map(() => most);
    const [own, parts] = [split(classes, 1, each), split(shares, 1, each)];
    const terms = split(scores, 1, sizes).map((x, f) => {
      const counted = mul(parts[f]!, reshape(weight, [weight.size(0), 1]));
      const total = neg(sum(mul(gatherElements(logSoftmax(x), own[f]!, 1), counted)));
      return perWeight(total, counted);
    });
    return terms.reduce((a, b) => add(a, b));
  },
  settle,
  async constants(content, { found, most }) {
    const items = await content.items();
    const width = found.length * most;
    const classes = new Int32Array(items.length * width);
    const shares = new Float32Array(items.length * width);
    found.forEach((field, f) => {
      const rows = fieldRows(items, [field as Field], most);
      rows.entries.forEach((entry, at) => {
        const to = Math.floor(at / most) * width + f * most + (at % most);
        if (entry === 0) return; // the field is missing
        classes[to] = entry - 1;
        shares[to] = rows.shares[at]!;
      });
    });
    const shape = [items.length, width];
    return { classes: { data: classes, shape }, shares: { data: shares, shape } };
  },
});
