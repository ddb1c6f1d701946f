/** @file One vector for each text from the states of its tokens, or for each picture from those of its places. */

export const poolings = ["mean", "cls", "last"] as const;

/** "mean" of all tokens, the first one ("cls"), or the last one. */
export type Pooling = (typeof poolings)[number];

/** What the places of a picture can become one vector by: none of them is the last. */
export type PlacePooling = Exclude<Pooling, "last">;

/** States of a batch: [B, L, D], or [B, D] where the model has pooled already. */
export interface States {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A vector for each text, whose tokens are the first `lengths[b]` of L. */
export function pool({ data, shape }: States, lengths: readonly number[], pooling: Pooling): Float32Array[] {
  const width = shape.at(-1)!;
  if (shape.length === 2) return lengths.map((_, b) => data.slice(b * width, (b + 1) * width));
  const places = shape[1]!;
  return lengths.map((length, b) => {
    const start = b * places * width;
    if (pooling === "cls") return data.slice(start, start + width);
    if (pooling === "last") return data.slice(start + (length - 1) * width, start + length * width);
    const sums = new Float64Array(width);
    for (let at = start; at < start + length * width; at++) sums[(at - start) % width]! += data[at]!;
    return Float32Array.from(sums, (sum) => sum / length);
  });
}
