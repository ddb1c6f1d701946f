/** @file Filters over a history as fixed matrices: the real discrete Fourier transform, and sums over distances. */
import type { Graph, Value } from "../../graph/graph.ts";
import {
  cast,
  constant,
  fill,
  gather,
  greater,
  mul,
  reshape,
  scatterAdd,
  unsqueeze,
} from "../../graph/ops/index.ts";
import type { SequenceInput } from "../define.ts";

/**
 * Which tokens a filter sums over. Causal: those up to the token itself, each by its distance; so it gives every token
 * what it would have as the last one. Circular: all of the row, which is taken as a ring, as a transform of it does.
 */
export type FilterKind = "causal" | "circular";

/** Frequencies of a real signal of so many samples. */
export const frequencies = (length: number): number => Math.floor(length / 2) + 1;

/** How often the real transform stands for a frequency: the mean and the fastest (of even lengths) are their own mirrors. */
const mirrored = (frequency: number, length: number): number =>
  frequency === 0 || 2 * frequency === length ? 1 : 2;

/**
 * The inverse real transform [W, 2F]: times the real parts of F numbers, over their imaginary parts, it is the signal.
 * A product of spectra is a circular convolution with that signal.
 */
export function inverseTransform(length: number): number[] {
  const count = frequencies(length);
  return Array.from({ length: length * 2 * count }, (_, k) => {
    const [sample, column] = [Math.floor(k / (2 * count)), k % (2 * count)];
    const frequency = column % count;
    const angle = (2 * Math.PI * frequency * sample) / length;
    const share = mirrored(frequency, length) / length;
    if (column < count) return share * Math.cos(angle);
    return mirrored(frequency, length) === 1 ? 0 : -share * Math.sin(angle);
  });
}

/** What a filter that keeps the lowest frequencies makes of an impulse, by distance: [W]. */
export function lowPass(length: number, kept: number): number[] {
  const count = Math.min(kept, frequencies(length));
  return Array.from({ length }, (_, distance) => {
    let total = 0;
    for (let k = 0; k < count; k++)
      total += mirrored(k, length) * Math.cos((2 * Math.PI * k * distance) / length);
    return total / length;
  });
}

/** How far before token t (row) token s (column) stands, as an index of a kernel of W; W itself where t may not see s: [L, L]. */
export function distances(tokens: number, length: number, kind: FilterKind): number[] {
  return Array.from({ length: tokens * tokens }, (_, k) => {
    const distance = Math.floor(k / tokens) - (k % tokens);
    if (kind === "circular") return (distance + length) % length;
    return distance >= 0 && distance < length ? distance : length;
  });
}

/** A kernel [W] as a matrix between tokens [L, L]. */
export function filterMatrix(
  graph: Graph,
  kernel: readonly number[],
  tokens: number,
  kind: FilterKind,
): Value {
  const values = distances(tokens, kernel.length, kind).map((distance) => kernel[distance] ?? 0);
  return constant(graph, "float32", [tokens, tokens], values);
}

/** Vectors of padding become zero: [B, L, D], [B, L] → [B, L, D]. */
export const withoutPadding = (x: Value, segment: Value): Value =>
  mul(x, unsqueeze(cast(greater(segment, 0), "float32"), -1));

/** How the vectors of tokens are kept between filters, which want them in their rows. */
export interface Keeping {
  /** [B, L, D] → as they are kept. */
  readonly list: (x: Value) => Value;
  /** Back to [B, L, D]. */
  readonly rows: (x: Value) => Value;
}

/** In their rows, all of them. */
export const asTheyAre: Keeping = { list: (x) => x, rows: (x) => x };

/** Without padding, which is zero in the rows: as a list where one is known [T, D], in their rows else. */
export function realTokens({ segment, real, x: { shape } }: SequenceInput): Keeping {
  if (!real) return { list: (x) => x, rows: (x) => withoutPadding(x, segment) };
  const [batch, length, width] = shape as [number, number, number];
  return {
    list: (x) => gather(reshape(x, [batch * length, width]), real.place),
    rows(x) {
      const zeros = fill(x.graph, [batch * length, width], 0);
      const tokens = mul(x, unsqueeze(real.weight, -1));
      return reshape(scatterAdd(zeros, real.place, tokens), [batch, length, width]);
    },
  };
}
