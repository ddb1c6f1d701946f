/** @file How healthy embeddings are: effective rank, lengths by popularity, and who is near whom. */

import { type DenseProducts, denseProducts } from "./dense.ts";
import { symmetricEigenvalues } from "./eigen.ts";

/** Embeddings [N, F] of items, and which of them count. */
export interface Embeddings {
  readonly values: Float32Array;
  readonly dim: number;
  readonly present: Uint8Array;
}

export interface Neighbour {
  /** Index of the item. */
  readonly item: number;
  readonly cosine: number;
}

export interface EmbeddingHealth {
  /** The number of items that count. */
  readonly items: number;
  readonly dim: number;
  /** From 1, where all is along one line, to `dim`, where all directions are used alike; null where `dim` is huge. */
  readonly effectiveRank: number | null;
  /** The same after the mean is taken off, which lowers the first where it is long. */
  readonly effectiveRankCentred: number | null;
  /** The mean length in each fifth of the items, those with the fewest interactions first. */
  readonly lengthsByPopularity: readonly number[];
  /** Some items, the most popular first, each with those whose direction is nearest. */
  readonly neighbours: readonly { readonly item: number; readonly near: readonly Neighbour[] }[];
}

export interface HealthOptions {
  /** [N]: interactions of each item. */
  readonly popularity: ArrayLike<number>;
  /** How many items are shown with their neighbours, and how many of these. */
  readonly samples?: number;
  readonly near?: number;
  readonly threads?: number | undefined;
}

/** Items beyond these are left out of the rank, evenly: the paper takes 25,600. */
const MOST_ROWS = 25_600;
/** Dimensions beyond which the rank, whose cost grows with their cube, is not measured. */
const MOST_DIM = 2048;
const GROUPS = 5;
const EPSILON = 1e-7;

/**
 * The effective rank of a spectrum, exp(entropy of σ / Σσ + 1e-7).
 *
 * Source: RankMe, Garrido et al. 2023, arXiv:2210.02885.
 */
export function rankMe(singularValues: ArrayLike<number>): number {
  const values = Array.from(singularValues);
  const sum = values.reduce((total, value) => total + value, 0);
  if (!(sum > 0)) return 0;
  const shares = values.map((value) => value / sum + EPSILON);
  return Math.exp(-shares.reduce((total, share) => total + share * Math.log(share), 0));
}

/** Measures embeddings; nothing is drawn at random. */
export async function embeddingHealth(
  embeddings: Embeddings,
  options: HealthOptions,
): Promise<EmbeddingHealth> {
  const { dim, present } = embeddings;
  const { popularity, samples = 3, near = 3, threads } = options;
  const items = Array.from(present.keys()).filter((item) => present[item] === 1);
  const byPopularity = items.toSorted((a, b) => popularity[a]! - popularity[b]! || a - b);
  const rows = rowsOf(embeddings, items);
  const dense = await denseProducts(dim, threads);
  try {
    const [effectiveRank = null, effectiveRankCentred = null] =
      dim > MOST_DIM ? [] : await ranks(rows, dim, dense);
    const lengths = lengthsOf(rows, dim);
    const lengthOf = new Map(items.map((item, at) => [item, lengths[at]!]));
    const shown = spread(byPopularity.toReversed(), samples);
    const similar = await dense.times(rows, unitRows(rowsOf(embeddings, shown), dim));
    return {
      items: items.length,
      dim,
      effectiveRank,
      effectiveRankCentred,
      lengthsByPopularity: groupMeans(byPopularity.map((item) => lengthOf.get(item)!)),
      neighbours: shown.map((item, column) => ({
        item,
        near: items
          .map((other, at) => ({
            item: other,
            cosine: similar[at * shown.length + column]! / (lengths[at]! || 1),
          }))
          .filter((other) => other.item !== item)
          .sort((a, b) => b.cosine - a.cosine || a.item - b.item)
          .slice(0, near),
      })),
    };
  } finally {
    await dense.dispose();
  }
}

/** The effective rank of rows as they are, and with their mean taken off: both from the products of columns. */
async function ranks(all: Float32Array, dim: number, dense: DenseProducts): Promise<number[]> {
  const count = all.length / dim;
  const rows =
    count > MOST_ROWS
      ? pickRows(
          all,
          dim,
          spread(
            Array.from({ length: count }, (_, row) => row),
            MOST_ROWS,
          ),
        )
      : all;
  const taken = rows.length / dim;
  const products = await dense.across(rows, rows);
  const means = new Float64Array(dim);
  for (let at = 0; at < rows.length; at++) means[at % dim]! += rows[at]! / taken;
  const centred = products.map(
    (value, at) => value - taken * means[Math.floor(at / dim)]! * means[at % dim]!,
  );
  return [products, centred].map((matrix) => {
    const values = symmetricEigenvalues(matrix, dim).subarray(0, Math.min(dim, taken));
    return rankMe(values.map((value) => Math.sqrt(Math.max(0, value))));
  });
}

const rowsOf = ({ values, dim }: Embeddings, items: readonly number[]): Float32Array =>
  pickRows(values, dim, items);

function pickRows(values: Float32Array, dim: number, rows: readonly number[]): Float32Array {
  const picked = new Float32Array(rows.length * dim);
  for (const [at, row] of rows.entries()) picked.set(values.subarray(row * dim, (row + 1) * dim), at * dim);
  return picked;
}

function lengthsOf(rows: Float32Array, dim: number): Float64Array {
  const squares = new Float64Array(rows.length / dim);
  for (let at = 0; at < rows.length; at++) squares[Math.floor(at / dim)]! += rows[at]! * rows[at]!;
  return squares.map(Math.sqrt);
}

function unitRows(rows: Float32Array, dim: number): Float32Array {
  const lengths = lengthsOf(rows, dim);
  return rows.map((value, at) => value / (lengths[Math.floor(at / dim)]! || 1));
}

/** At most `count` of a list, evenly from its first to its last. */
function spread<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from(
    { length: count },
    (_, i) => list[Math.round((i * (list.length - 1)) / Math.max(1, count - 1))]!,
  );
}

/** Means of a list's five equal parts; fewer where it is shorter. */
function groupMeans(list: readonly number[]): number[] {
  const groups = Math.min(GROUPS, list.length);
  return Array.from({ length: groups }, (_, group) => {
    const part = list.slice(
      Math.floor((group * list.length) / groups),
      Math.floor(((group + 1) * list.length) / groups),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
