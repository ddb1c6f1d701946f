/** @file The items whose content is nearest to that of an item, found once and kept as short lists. */
import type { FeatureTable } from "../data/features.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { neighbourScorer, unitRows } from "./content-neighbours.ts";
import { createTopList, type Hits, scan } from "./top-list.ts";

/** The nearest rows of one row, nearest first, and their cosines, all of them above 0. */
export type Near = Hits;

/** Lists of all rows, K places each; empty places hold −1. */
export interface NeighbourLists {
  /** [N, K] */
  readonly rows: Int32Array;
  /** [N, K] */
  readonly cosines: Float32Array;
}

type Content = Pick<FeatureTable, "dim" | "values" | "present">;

interface ListOptions {
  /** K, the most neighbours of an item. */
  readonly most: number;
  readonly runtime: Runtime;
  readonly threads: number;
}

/** The `most` nearest rows of each row by the cosine of their features; a row is no neighbour of itself. */
export async function neighbourLists(
  content: Content,
  { most, runtime, threads }: ListOptions,
): Promise<NeighbourLists> {
  const items = content.present.length;
  const rows = new Int32Array(items * most).fill(-1);
  const cosines = new Float32Array(items * most);
  const scorer = await neighbourScorer(content, { runtime, threads });
  for (let first = 0; first < items; first += scorer.batch) {
    const own = Int32Array.from({ length: Math.min(scorer.batch, items - first) }, (_, q) => first + q);
    const offsets = Int32Array.from({ length: own.length + 1 }, (_, q) => q);
    const scores = await scorer.score({ offsets, items: own });
    for (const [q, row] of own.entries()) {
      const near = best(scores.subarray(q * items, (q + 1) * items), most, (other) => other !== row);
      rows.set(near.rows, row * most);
      cosines.set(near.scores, row * most);
    }
  }
  await scorer.dispose();
  return { rows, cosines };
}

/** What finds the nearest rows of content that is no row itself, or no longer what it was. */
export function nearestTo(
  { dim, values, present }: Content,
  most: number,
): (features: Float32Array, row?: number) => Near {
  const table = unitRows(values, dim);
  const scores = new Float32Array(present.length);
  return (features, own = -1) => {
    const unit = unitRows(features, dim);
    for (let row = 0, at = 0; row < scores.length; row++) {
      let cosine = 0;
      for (let c = 0; c < dim; c++, at++) cosine += unit[c]! * table[at]!;
      scores[row] = cosine;
    }
    return best(scores, most, (row) => row !== own);
  };
}

function best(scores: Float32Array, most: number, accepts: (row: number) => boolean): Near {
  const top = createTopList(Math.min(most, scores.length));
  scan(top, { scores, start: 0, end: scores.length, first: 0 }, (row) => scores[row]! > 0 && accepts(row));
  return top.hits();
}
