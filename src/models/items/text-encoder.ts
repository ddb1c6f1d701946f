/** @file A text encoder inside the model: items are what it makes of their texts, and it is trained with the rest. */
import { z } from "zod";
import { poolings } from "../../content/pooling.ts";
import type { Item } from "../../data/dataset.ts";
import { greater } from "../../graph/ops/index.ts";
import { inline } from "../../nn/inline.ts";
import { ConfigError, DataError } from "../../tensor/errors.ts";
import { i32 } from "../../tensor/spec.ts";
import { defineItemEncoder } from "../define.ts";
import { adapted } from "./adaptation.ts";
import { networkOf, pooledTokens, requireValue, tokenNetwork } from "./network.ts";
import { networkHead, networkSettings } from "./network-head.ts";

export const tokenSettings = {
  encoder: z
    .string()
    .default("")
    .describe("folder with tokenizer.json and an ONNX file, as encode takes it for --text-encoder"),
  columns: z.array(z.string()).default(["title"]).describe("item fields that are read, one after the other"),
  maxTokens: z.int().min(1).max(8192).default(30).describe("most tokens of a text"),
  pooling: z
    .enum(poolings)
    .default("cls")
    .describe("which states are a text's vector: the first, the last, or the mean of all"),
  length: z.int().min(0).default(0).describe("tokens of the longest text; training finds and writes it down"),
};

const config = z.strictObject({
  name: z.literal("text-encoder").default("text-encoder"),
  ...networkSettings,
  ...tokenSettings,
});
type Config = z.infer<typeof config>;

/** @throws ConfigError where no encoder is named */
export function requireEncoder(encoder: string, part: string): void {
  if (encoder !== "") return;
  const what = `items "${part}" are made by a pretrained network; name its file or folder in their setting "encoder"`;
  throw new ConfigError("no-encoder", what);
}

/** @throws DataError where an item field that is read is none of the data's */
export function requireColumns(items: readonly Item[], columns: readonly string[], where: string): void {
  const lacking = columns.find(
    (column) => !items.some((item) => (column === "title" ? item.title : item.fields[column]) !== undefined),
  );
  if (lacking === undefined) return;
  const what = `${where}: no item has a field "${lacking}" to read; import the data with --items, or name others in columns`;
  throw new DataError("no-text", what, { column: lacking });
}

/**
 * f(W·pool(network(tokens)) + b) → [N, D]: only the items of a step go through the network. Items without a text share a
 * learned vector.
 *
 * Source: MoRec, Yuan et al. 2023, arXiv:2303.13835 (text: CLS state, one layer with GELU); which parts of the network are
 * trained is `mode`.
 */
export const textEncoder = defineItemEncoder<Config>({
  name: "text-encoder",
  source:
    "end-to-end text of MoRec, Yuan et al. 2023, arXiv:2303.13835; adapters as in Fu et al. 2024, arXiv:2305.15036",
  config,
  derived: () => true,
  networks: ({ encoder }) => [encoder],
  atOnce: ({ atOnce }) => atOnce,
  apply(p, input, settings) {
    const { count } = input;
    const lengths = p.constant("lengths", i32(count, 1), { eachItem: true });
    const tokens = p.constant("tokens", i32(count, settings.length), { eachItem: true });
    const { network, fed } = tokenNetwork(networkOf(input, settings.encoder), { tokens, lengths });
    const graph = adapted(network, settings);
    const wanted = [requireValue(graph, network.output)];
    const [states] = inline(p.at("network"), graph, { inputs: fed, wanted, rate: settings.rate });
    const pooled = pooledTokens(states!, { tokens, lengths }, settings.pooling);
    return networkHead(p, pooled, { ...settings, known: greater(lengths, 0) });
  },
  async settle(content, settings) {
    requireEncoder(settings.encoder, settings.name);
    requireColumns(await content.items(), settings.columns, content.where);
    const { encoder, columns, maxTokens: most } = settings;
    return { ...settings, length: (await content.tokens({ encoder, columns, most })).width };
  },
  readsItems: () => true,
  async constants(content, { encoder, columns, length: width }) {
    const { tokens, lengths } = await content.tokens({ encoder, columns, most: width, width });
    const rows = lengths.length;
    return {
      tokens: { data: tokens, shape: [rows, width] },
      lengths: { data: lengths, shape: [rows, 1] },
    };
  },
});
