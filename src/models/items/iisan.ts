/** @file IISAN: small side networks over the hidden states of two frozen encoders, cached or computed in each step. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { concat, greater, or, slice, where } from "../../graph/ops/index.ts";
import { freeze } from "../../nn/adapt.ts";
import { inline } from "../../nn/inline.ts";
import { linear } from "../../nn/layers.ts";
import type { Params } from "../../nn/params.ts";
import { ConfigError, DataError } from "../../tensor/errors.ts";
import { f32, i32, type Tensor } from "../../tensor/spec.ts";
import { defineItemEncoder, type ItemInput } from "../define.ts";
import type { Adapted } from "./adaptation.ts";
import type { ItemContent } from "./content.ts";
import { requireTable } from "./feature-columns.ts";
import { pictureConstants, pictureRows, pictureSettings, requirePictures } from "./image-encoder.ts";
import {
  networkOf,
  pictureNetwork,
  pooledPlaces,
  pooledTokens,
  requireValue,
  tokenNetwork,
} from "./network.ts";
import { interTower, intraTower, keptLayers } from "./side-tower.ts";
import { requireColumns, requireEncoder, tokenSettings } from "./text-encoder.ts";

const { encoder: _text, pooling: textPooling, ...tokens } = tokenSettings;
const { encoder: _image, pooling: imagePooling, ...picture } = pictureSettings;
const layers = z.array(z.int().min(0)).default([]);

const config = z.strictObject({
  name: z.literal("iisan").default("iisan"),
  dim: z.int().min(1).max(4096).default(64).describe("width of the item vectors and of the model"),
  cached: z
    .boolean()
    .default(true)
    .describe(
      "whether hidden states are read from feature tables, or computed by the encoders in every step",
    ),
  bottleneck: z.int().min(1).max(4096).default(64).describe("width of the bottleneck of a side block"),
  gated: z.boolean().default(true).describe("whether states are weighed by learned gates, or added up"),
  first: z
    .enum(["block", "start"])
    .default("block")
    .describe("whether the first state has a side block, or is what the towers of one modality start from"),
  towers: z.enum(["both", "intra", "inter"]).default("both").describe("which side networks there are"),
  heads: z
    .enum(["wide", "narrow"])
    .default("wide")
    .describe("width between the two layers behind a tower of one modality: the encoder's, or dim"),
  blocks: z
    .int()
    .min(0)
    .default(0)
    .describe("states of each encoder that are read, evenly spread; 0: every other one of the shallower"),
  textLayers: layers.describe("states of the text encoder that are read; none: by blocks"),
  imageLayers: layers.describe("states of the image encoder that are read; none: by blocks"),
  textTable: z.string().default("text-layers").describe("cached: feature table of the text encoder's states"),
  imageTable: z
    .string()
    .default("image-layers")
    .describe("cached: feature table of the image encoder's states"),
  textStates: z.int().min(0).default(0).describe("states in that table; training finds and writes them down"),
  textWidth: z.int().min(0).default(0).describe("width of its states; training finds and writes it down"),
  imageStates: z
    .int()
    .min(0)
    .default(0)
    .describe("states in that table; training finds and writes them down"),
  imageWidth: z.int().min(0).default(0).describe("width of its states; training finds and writes it down"),
  textEncoder: tokenSettings.encoder.describe("not cached: folder of the text encoder"),
  imageEncoder: pictureSettings.encoder.describe("not cached: ONNX file of the image encoder"),
  textPooling: textPooling.unwrap().default("mean").describe("not cached: which states are a text's"),
  imagePooling: imagePooling.describe("not cached: which states are a picture's"),
  ...tokens,
  ...picture,
  atOnce: z.int().min(1).default(256).describe("not cached: items that go through the encoders together"),
});
type Config = z.infer<typeof config>;
type Kind = "text" | "image";
const kinds: readonly Kind[] = ["text", "image"];

/** The states of an encoder that are read. @throws ConfigError where there are fewer */
function chosen(kind: Kind, settings: Config, states: Readonly<Record<Kind, number>>): number[] {
  const blocks = settings.blocks || Math.floor((Math.min(states.text, states.image) - 1) / 2) + 1;
  const given = settings[`${kind}Layers`];
  const kept = given.length > 0 ? given : keptLayers(states[kind], Math.max(2, blocks));
  if (kept.every((state) => state < states[kind]) && kept.length > Number(settings.first === "start"))
    return kept;
  const what = `items.${kind}Layers: ${kept.join(", ")} are not such states as can be read; the encoder has ${states[kind]}, from 0 on`;
  throw new ConfigError("layers", what, { kept });
}

/** The states that are read of each encoder, [N, D] each; items without content have a learned one in their place. */
interface Read {
  readonly known: Value;
  readonly states: readonly Value[];
}

function cachedStates(p: Params, kind: Kind, count: number, settings: Config): Read {
  const at = p.at(kind);
  const counts = { text: settings.textStates, image: settings.imageStates };
  const width = settings[`${kind}Width`];
  const kept = chosen(kind, settings, counts);
  const known = greater(at.constant("present", f32(count, 1), { eachItem: true }), 0);
  const all = at.constant("states", f32(count, kept.length * width), { eachItem: true });
  return { known, states: kept.map((_, k) => slice(all, 1, k * width, (k + 1) * width)) };
}

/** Both encoders as parts of the model; nothing of them is trained. */
function computedStates(p: Params, input: ItemInput, settings: Config): Readonly<Record<Kind, Read>> {
  const { count } = input;
  const lengths = p.at("text").constant("lengths", i32(count, 1), { eachItem: true });
  const rows = p.at("text").constant("tokens", i32(count, settings.length), { eachItem: true });
  const texts = { tokens: rows, lengths };
  const { pictures, known } = pictureRows(p.at("image"), count, {
    ...settings,
    encoder: "",
    pooling: "mean",
  });
  const text = tokenNetwork(networkOf(input, settings.textEncoder), texts);
  const image = pictureNetwork(networkOf(input, settings.imageEncoder), pictures);
  const counts = { text: text.network.layers.length, image: image.network.layers.length };
  const read = (kind: Kind, network: Adapted, inputs: Readonly<Record<string, Value>>): Value[] => {
    if (network.layers.length < 2) throw untold(kind);
    freeze(network.graph, "*");
    const wanted = chosen(kind, settings, counts).map((at) =>
      requireValue(network.graph, network.layers[at]!),
    );
    return inline(p.at(kind).at("network"), network.graph, { inputs, wanted });
  };
  const [ofText, ofImage] = [read("text", text.network, text.fed), read("image", image.network, image.fed)];
  return {
    text: {
      known: greater(lengths, 0),
      states: ofText.map((x) => pooledTokens(x, texts, settings.textPooling)),
    },
    image: { known, states: ofImage.map((x) => pooledPlaces(x, settings.imagePooling)) },
  };
}

const untold = (kind: Kind): ConfigError =>
  new ConfigError("no-layers", `iisan: the layers of the ${kind} encoder cannot be told by their names`);

/** A table's states and their width. @throws DataError where it holds no hidden states */
async function statesIn(content: ItemContent, table: string): Promise<{ states: number; width: number }> {
  const { source, dim } = await requireTable(table, content);
  const states = Number(source.layers);
  if (Number.isInteger(states) && states > 1 && dim % states === 0) return { states, width: dim / states };
  const what = `${content.where}: features "${table}" are no hidden states of one width after every layer; make them with "sequitur encode --hidden-states"`;
  throw new DataError("no-layers", what, { table });
}

/** The columns of the states that are read, side by side: [N, K·D]. */
async function keptColumns(
  content: ItemContent,
  kind: Kind,
  settings: Config,
): Promise<Record<string, Tensor>> {
  const { values, present, dim } = await content.features(settings[`${kind}Table`]);
  const kept = chosen(kind, settings, { text: settings.textStates, image: settings.imageStates });
  const width = settings[`${kind}Width`];
  const rows = present.length;
  const own = new Float32Array(rows * kept.length * width);
  for (let item = 0; item < rows; item++)
    for (const [k, state] of kept.entries()) {
      const from = item * dim + state * width;
      own.set(values.subarray(from, from + width), (item * kept.length + k) * width);
    }
  return {
    [`${kind}.states`]: { data: own, shape: [rows, kept.length * width] },
    [`${kind}.present`]: { data: Float32Array.from(present), shape: [rows, 1] },
  };
}

/**
 * e = W·[zᵥ; zₜ; zₘ] + b → [N, D], z two layers behind the image tower, the text tower and the tower between the two.
 *
 * Source: IISAN, Fu et al. 2024, arXiv:2404.02059; encoders of different depth and width as in IISAN-Versa, Fu et al.
 * 2024, arXiv:2411.02992. Where an item lacks a modality, one learned state stands in the place of all of its states,
 * which theirs does not have. Nothing of an encoder is differentiated, so states that are cached give the same losses.
 */
export const iisan = defineItemEncoder<Config>({
  name: "iisan",
  source:
    "IISAN, Fu et al. 2024, arXiv:2404.02059, and IISAN-Versa, arXiv:2411.02992; a learned state for what an item lacks",
  config,
  derived: () => true,
  tables: ({ cached, ...settings }) =>
    cached
      ? kinds.map((kind) => ({
          table: settings[`${kind}Table`],
          columns: settings[`${kind}States`] * settings[`${kind}Width`],
        }))
      : [],
  networks: ({ cached, textEncoder, imageEncoder }) => (cached ? [] : [textEncoder, imageEncoder]),
  atOnce: ({ cached, atOnce }) => (cached ? Number.POSITIVE_INFINITY : atOnce),
  apply(p, input, settings) {
    const { dim, towers } = settings;
    const read = settings.cached
      ? {
          text: cachedStates(p, "text", input.count, settings),
          image: cachedStates(p, "image", input.count, settings),
        }
      : computedStates(p, input, settings);
    const [text, image] = kinds.map((kind) => {
      const { states, known } = read[kind];
      const missing = p.at(kind).bias("missing", states[0]!.size(-1) as number);
      return states.map((h) => where(known, h, missing));
    });
    const head = (at: Params, x: Value, inner: number): Value =>
      linear(at.at("outer"), linear(at.at("inner"), x, inner), dim);
    const ends: Value[] = [];
    if (towers !== "inter")
      for (const [kind, states] of [
        ["image", image!],
        ["text", text!],
      ] as const) {
        const x = intraTower(p.at(`${kind}.tower`), states, settings);
        ends.push(head(p.at(`${kind}.head`), x, settings.heads === "wide" ? (x.size(-1) as number) : dim));
      }
    if (towers !== "intra") {
      const x = interTower(p.at("between.tower"), [text!, image!], settings);
      ends.push(head(p.at("between.head"), x, x.size(-1) as number));
    }
    const vectors = linear(p.at("output"), ends.length > 1 ? concat(ends, 1) : ends[0]!, dim);
    return { vectors, known: or(read.text.known, read.image.known) };
  },
  async settle(content, settings) {
    if (settings.cached) {
      const [text, image] = [
        await statesIn(content, settings.textTable),
        await statesIn(content, settings.imageTable),
      ];
      const own = { textStates: text.states, textWidth: text.width };
      return { ...settings, ...own, imageStates: image.states, imageWidth: image.width };
    }
    requireEncoder(settings.textEncoder, "iisan");
    requireEncoder(settings.imageEncoder, "iisan");
    requireColumns(await content.items(), settings.columns, content.where);
    await requirePictures(content, {
      ...settings,
      encoder: settings.imageEncoder,
      pooling: settings.imagePooling,
    });
    const { textEncoder: encoder, columns, maxTokens: most } = settings;
    return { ...settings, length: (await content.tokens({ encoder, columns, most })).width };
  },
  async constants(content, settings) {
    if (settings.cached)
      return {
        ...(await keptColumns(content, "text", settings)),
        ...(await keptColumns(content, "image", settings)),
      };
    const { textEncoder: encoder, columns, length: width } = settings;
    const texts = await content.tokens({ encoder, columns, most: width, width });
    const rows = texts.lengths.length;
    const pictures = await pictureConstants(content, { ...settings, encoder: "", pooling: "mean" });
    return {
      "text.tokens": { data: texts.tokens, shape: [rows, width] },
      "text.lengths": { data: texts.lengths, shape: [rows, 1] },
      ...Object.fromEntries(Object.entries(pictures).map(([name, tensor]) => [`image.${name}`, tensor])),
    };
  },
});
