/** @file The hidden states of image encoders: one vector for each picture and layer. */

import type { Tensor } from "../tensor/spec.ts";

/**
 * The mean over places of the states after each layer, side by side, row by row: tokens [N, T, D] or maps [N, C, H, W]
 * each → [K·D] for each of the pictures; a sentence where they are no such states.
 */
export function pooledLayers(layers: readonly Tensor[], rows: number): Float32Array[] | string {
  const parts = layers.map((layer) => pooledLayer(layer, rows));
  const wrong = parts.findIndex((part) => typeof part === "string");
  if (wrong >= 0) return parts[wrong] as string;
  const each = parts as Float32Array[];
  const widths = each.map((part) => part.length / rows);
  if (widths.some((width) => width !== widths[0]))
    return `the states after its layers are of different widths (${widths.join(", ")})`;
  const width = widths[0]!;
  return Array.from({ length: rows }, (_, row) => {
    const vector = new Float32Array(each.length * width);
    for (const [k, part] of each.entries())
      vector.set(part.subarray(row * width, (row + 1) * width), k * width);
    return vector;
  });
}

function pooledLayer({ data, shape }: Tensor, rows: number): Float32Array | string {
  const [batch, a, b, c] = shape;
  const known = data instanceof Float32Array && batch === rows && (shape.length === 3 || shape.length === 4);
  if (!known) return `the states after one of its layers are [${shape.join(", ")}] for ${rows} images`;
  const maps = shape.length === 4;
  const [places, width] = maps ? [b! * c!, a!] : [a!, b!];
  const sums = new Float64Array(rows * width);
  for (let at = 0; at < data.length; at++) {
    const row = Math.floor(at / (places * width));
    const column = maps ? Math.floor(at / places) % width : at % width;
    sums[row * width + column]! += data[at]!;
  }
  return Float32Array.from(sums, (sum) => sum / places);
}
