/** @file An image encoder inside the model: items are what it makes of their pictures, and it is trained with the rest. */
import { z } from "zod";
import type { Value } from "../../graph/graph.ts";
import { cast, constant, div, greater, reshape, sub } from "../../graph/ops/index.ts";
import { inline } from "../../nn/inline.ts";
import type { Params } from "../../nn/params.ts";
import { DataError } from "../../tensor/errors.ts";
import { f32, type Tensor } from "../../tensor/spec.ts";
import { defineItemEncoder } from "../define.ts";
import { adapted } from "./adaptation.ts";
import type { ItemContent } from "./content.ts";
import { networkOf, pictureNetwork, pooledPlaces, requireValue } from "./network.ts";
import { networkHead, networkSettings } from "./network-head.ts";
import { requireEncoder } from "./text-encoder.ts";

const colours = z.tuple([z.number(), z.number(), z.number()]);

export const pictureSettings = {
  encoder: z.string().default("").describe("ONNX file, as encode takes it for --image-encoder"),
  width: z.int().min(1).max(4096).default(224).describe("points of a picture's width"),
  height: z.int().min(1).max(4096).default(224).describe("points of a picture's height"),
  layout: z
    .enum(["nchw", "nhwc"])
    .default("nchw")
    .describe("whether the network wants a plane for each colour, or the colours of a point side by side"),
  mean: colours
    .default([128 / 255, 128 / 255, 128 / 255])
    .describe("mean of red, green and blue, as shares of 255"),
  deviation: colours
    .default([128 / 255, 128 / 255, 128 / 255])
    .describe("what the colours are divided by then"),
  pooling: z
    .enum(["mean", "cls"])
    .default("mean")
    .describe("which states are a picture's vector, where the network gives one for each place"),
};
const picture = z.object(pictureSettings);
export type PictureSettings = z.infer<typeof picture>;

const config = z.strictObject({
  name: z.literal("image-encoder").default("image-encoder"),
  ...networkSettings,
  ...pictureSettings,
});
type Config = z.infer<typeof config>;

/** The pictures as the network wants them [N, 3, H, W] or [N, H, W, 3], and whether items have one: bool [N, 1]. */
export function pictureRows(
  p: Params,
  count: number,
  settings: PictureSettings,
): { readonly pictures: Value; readonly known: Value } {
  const { width, height, layout, mean, deviation } = settings;
  const known = greater(p.constant("present", f32(count, 1), { eachItem: true }), 0);
  const points = p.constant(
    "points",
    { dtype: "uint8", shape: [count, 3 * width * height] },
    { eachItem: true },
  );
  const planes = layout === "nchw";
  const shape = planes ? [count, 3, height, width] : [count, height, width, 3];
  const each = (values: readonly number[]): Value =>
    constant(p.graph, "float32", planes ? [1, 3, 1, 1] : [1, 1, 1, 3], values);
  const bytes = reshape(cast(points, "float32"), shape);
  const scale = deviation.map((value) => 255 * value);
  return { known, pictures: div(sub(bytes, each(mean.map((value) => 255 * value))), each(scale)) };
}

/** The constants of `pictureRows`. */
export async function pictureConstants(
  content: ItemContent,
  { width, height, layout }: PictureSettings,
): Promise<Record<string, Tensor>> {
  const { points, present } = await content.pictures({ width, height, layout });
  const rows = present.length;
  return {
    points: { data: points, shape: [rows, 3 * width * height] },
    present: { data: Float32Array.from(present), shape: [rows, 1] },
  };
}

/** @throws DataError where the pictures are not such as the network takes */
export async function requirePictures(content: ItemContent, settings: PictureSettings): Promise<void> {
  const { inputs, name } = await content.network(settings.encoder);
  const shape = inputs[0]?.shape ?? [];
  const { width, height, layout } = settings;
  const wanted = layout === "nchw" ? [3, height, width] : [height, width, 3];
  const fits =
    shape.length === 4 &&
    wanted.every((size, k) => typeof shape[k + 1] !== "number" || shape[k + 1] === size);
  if (!fits) {
    const what = `${name}: it takes pictures [${shape.join(", ")}], and the settings make them [N, ${wanted.join(", ")}]; set width, height and layout`;
    throw new DataError("picture-size", what, { shape });
  }
  const { present } = await content.pictures({ width, height, layout });
  if (present.includes(1)) return;
  throw new DataError("no-images", `${content.where}: none of the items has a picture that can be read`);
}

/**
 * f(W·pool(network(picture)) + b) → [N, D]: only the items of a step go through the network. Items without a picture share
 * a learned vector.
 *
 * Source: MoRec, Yuan et al. 2023, arXiv:2303.13835; which parts of the network are trained is `mode`.
 */
export const imageEncoder = defineItemEncoder<Config>({
  name: "image-encoder",
  source:
    "end-to-end pictures of MoRec, Yuan et al. 2023, arXiv:2303.13835; adapters as in Fu et al. 2024, arXiv:2305.15036",
  config,
  derived: () => true,
  networks: ({ encoder }) => [encoder],
  atOnce: ({ atOnce }) => atOnce,
  apply(p, input, settings) {
    const { known, pictures } = pictureRows(p, input.count, settings);
    const { network, fed } = pictureNetwork(networkOf(input, settings.encoder), pictures);
    const graph = adapted(network, settings);
    const wanted = [requireValue(graph, network.output)];
    const [states] = inline(p.at("network"), graph, { inputs: fed, wanted, rate: settings.rate });
    return networkHead(p, pooledPlaces(states!, settings.pooling), { ...settings, known });
  },
  readsItems: () => true,
  async settle(content, settings) {
    requireEncoder(settings.encoder, settings.name);
    await requirePictures(content, settings);
    return settings;
  },
  constants: pictureConstants,
});
