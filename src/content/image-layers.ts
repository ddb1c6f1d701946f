/** @file The states of image encoders: one vector for each picture from an output, or from those after each layer. */

import type { Tensor } from "../tensor/spec.ts";
import type { ImageInput } from "./images.ts";
import { type PlacePooling, pool } from "./pooling.ts";

/**
 * The pooled states after each layer, side by side, row by row: tokens [N, T, D] or maps [N, C, H, W] each → [K·D] for
 * each of the pictures; a sentence where they are no such states.
 */
export function pooledLayers(
  layers: readonly Tensor[],
  rows: number,
  pooling: PlacePooling,
): Float32Array[] | string {
  const wrong = layers.find((layer) => !hasPlaces(layer) || !isOutput(layer, rows));
  if (wrong !== undefined)
    return `the states after one of its layers are [${wrong.shape.join(", ")}] for ${rows} images`;
  const each = layers.map((layer) => pooledPlaces(layer, pooling));
  const widths = each.map(([first]) => first!.length);
  if (widths.some((width) => width !== widths[0]))
    return `the states after its layers are of different widths (${widths.join(", ")})`;
  const width = widths[0]!;
  return Array.from({ length: rows }, (_, row) => {
    const vector = new Float32Array(each.length * width);
    for (const [k, vectors] of each.entries()) vector.set(vectors[row]!, k * width);
    return vector;
  });
}

/**
 * The rows of an output [N, D], or its pooled tokens [N, T, D] or maps: [N, C, H, W], or [N, H, W, C] where the encoder
 * takes pictures of that layout, or where the map is one place, [N, 1, 1, C]. A sentence where it is none of these.
 */
export function pooledOutput(
  output: Tensor,
  rows: number,
  { pooling, layout }: { readonly pooling: PlacePooling; readonly layout: ImageInput["layout"] },
): Float32Array[] | string {
  if (!isOutput(output, rows)) return `its output is [${output.shape.join(", ")}] for ${rows} images`;
  const [, a, b, c] = output.shape;
  const last = output.shape.length === 4 && (layout === "nhwc" || (a === 1 && b === 1));
  return last
    ? pooledPlaces({ ...output, shape: [rows, a! * b!, c!] }, "mean")
    : pooledPlaces(output, pooling);
}

/** Whether an output has states of places of a picture. */
const hasPlaces = ({ shape }: Tensor): boolean => shape.length === 3 || shape.length === 4;

const isOutput = (output: Tensor, rows: number): boolean =>
  output.data instanceof Float32Array &&
  output.shape[0] === rows &&
  (output.shape.length === 2 || hasPlaces(output));

/** Vectors [N, D], tokens [N, T, D] or maps [N, C, H, W]; maps have no first token, so of them it is the mean. */
function pooledPlaces({ data, shape }: Tensor, pooling: PlacePooling): Float32Array[] {
  const [rows, channels, height, width] = shape as [number, number, number, number];
  const values = data as Float32Array;
  if (shape.length < 4) return pool({ data: values, shape }, Array<number>(rows).fill(channels), pooling);
  const places = height * width;
  return Array.from({ length: rows }, (_, row) =>
    Float32Array.from({ length: channels }, (_, channel) => {
      const from = (row * channels + channel) * places;
      return values.subarray(from, from + places).reduce((sum, value) => sum + value, 0) / places;
    }),
  );
}
