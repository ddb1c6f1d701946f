/** @file Frozen feature tables as item vectors, through a head that is trained. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { add, greater, matmul, mul, sub, where } from "../../graph/ops/index.ts";
import { activations } from "../../nn/layers.ts";
import { f32 } from "../../tensor/spec.ts";
import { defineItemEncoder } from "../define.ts";
import { columnsOf, refuseFewColumns, refuseScaledComponents, requireTable } from "./feature-columns.ts";

const config = z.strictObject({
  name: z.literal("features").default("features"),
  table: z.string().min(1).default("text").describe("name of the feature table in the dataset folder"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  hidden: z
    .int()
    .min(0)
    .max(16_384)
    .default(512)
    .describe("width of the head's hidden layer; 0: the head is linear"),
  activation: z.enum(["relu", "gelu", "silu"]).default("relu").describe("non-linearity of the hidden layer"),
  dropout: z
    .number()
    .min(0)
    .max(0.95)
    .default(0)
    .describe("share of the hidden layer dropped while training"),
  scaling: z
    .enum(["columns", "whole"])
    .default("columns")
    .describe("features are centred and divided by a standard deviation: each column's own, or that of all"),
  components: z
    .int()
    .min(0)
    .max(2048)
    .default(0)
    .describe(
      "the table's first principal components, each of variance 1, in the place of its columns; 0: none",
    ),
  optional: z
    .boolean()
    .default(false)
    .describe("whether the model goes without where the data has no such table"),
  columns: z.int().min(0).default(0).describe("columns of the table; training finds and writes them down"),
});
type Config = z.infer<typeof config>;

/**
 * W₂·f(W₁·(x − mean)/deviation + b₁) + b₂ of a table [N, F] that is not trained → [N, D]; items without content share
 * a learned vector, and nothing of their row is read. Centring and scaling are folded into W₁, and so are the principal
 * components, where the head is to see these: of wide vectors that are much alike (pictures through a network) it
 * learns items by heart from columns.
 *
 * Source: the two-stage variant of Yuan et al. 2023, arXiv:2303.13835 (frozen features, an MLP as the only adapter).
 */
export const features = defineItemEncoder<Config>({
  name: "features",
  source: "frozen features with a trained head, the two-stage variant of Yuan et al. 2023, arXiv:2303.13835",
  config,
  derived: () => true,
  loses: () => true,
  apply(p, { count, drop, lose }, { dim, hidden, activation, dropout, columns, components }) {
    const values = p.constant("values", f32(count, columns), { eachItem: true });
    const known = greater(p.constant("present", f32(count, 1), { eachItem: true }), 0);
    const center = p.constant("center", f32(1, columns));
    const gain = p.constant("gain", f32(columns, components || 1));
    const scaled = p.at("head");
    const [trained, offset] = [
      scaled.weight("weight", [components || columns, hidden || dim]),
      scaled.bias("bias", hidden || dim),
    ];
    const weight = components > 0 ? matmul(gain, trained) : mul(trained, gain);
    const centred = (): Value => lose!(sub(values, center), p.nameOf("values"));
    let x = lose
      ? add(matmul(centred(), weight), offset)
      : add(matmul(values, weight), sub(offset, matmul(center, weight)));
    if (hidden > 0) {
      const inner = drop(dropout)(activations[activation](x), p.nameOf("hidden"));
      const outer = p.at("outer");
      x = add(matmul(inner, outer.weight("weight", [hidden, dim])), outer.bias("bias", dim));
    }
    return { vectors: where(known, x, p.bias("missing", dim)), known };
  },
  async settle(content, settings) {
    const table = await requireTable(settings.table, content);
    refuseFewColumns(table, settings.components);
    refuseScaledComponents(settings.scaling, settings.components);
    return { ...settings, columns: table.dim };
  },
  tables: ({ table, columns }) => [{ table, columns }],
  async constants(content, { table: name, scaling, components }) {
    const table = await content.features(name);
    const { center, gain: own } = columnsOf(table, scaling);
    const gain = components > 0 ? await content.components(name, components) : own;
    const rows = table.present.length;
    return {
      values: { data: table.values, shape: [rows, table.dim] },
      present: { data: Float32Array.from(table.present), shape: [rows, 1] },
      center: { data: center, shape: [1, table.dim] },
      gain: { data: gain, shape: [table.dim, components || 1] },
    };
  },
});
