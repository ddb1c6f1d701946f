/** @file Nearest neighbours of the history's items, by the people they share. */
import { z } from "zod";
import { invert } from "../../data/invert.ts";
import { defineBaseline } from "./define.ts";

const config = z.strictObject({
  name: z.literal("item-knn").default("item-knn"),
  neighbours: z.int().min(1).max(10_000).default(200).describe("neighbours kept for each item"),
  shrink: z
    .number()
    .min(0)
    .default(5)
    .describe("added to the people of both items, so that chance pairs count less"),
  decay: z.number().gt(0).max(1).default(0.8).describe("weight of an item beside the one that came after it"),
  longest: z.int().min(1).default(500).describe("most recent items of a history that make pairs"),
});

/**
 * Scores item j by Σ over the history of decay^age · |people of both| / (√(people of i · people of j) + shrink), over
 * the nearest neighbours of each item i of the history.
 *
 * Source: Sarwar et al., "Item-based Collaborative Filtering Recommendation Algorithms", WWW 2001; the decay by
 * recency as in sequential uses of it (Ludewig & Jannach 2018, arXiv:1803.09587).
 */
export const itemKnn = defineBaseline<z.infer<typeof config>>({
  name: "item-knn",
  summary: "nearest neighbours of the history's items by shared people, recent items first",
  source: "Sarwar et al. 2001; recency decay as in Ludewig & Jannach 2018, arXiv:1803.09587",
  config,
  fit({ sequences, count }, { neighbours, shrink, longest }) {
    const { offsets, sequence } = sequences;
    const people = invert(sequences, count, longest);
    const degree = (item: number): number => people.offsets[item + 1]! - people.offsets[item]!;
    const together = new Float64Array(count);
    const [starts, ids, weights] = [new Int32Array(count + 1), [] as number[], [] as number[]];
    const counted = new Int32Array(count).fill(-1);
    for (let item = 0; item < count; item++) {
      const touched: number[] = [];
      for (let p = people.offsets[item]!; p < people.offsets[item + 1]!; p++) {
        const person = people.sequence[p]!;
        const end = offsets[person + 1]!;
        const stamp = p; // each person once: repeats within a history do not count
        for (let at = Math.max(offsets[person]!, end - longest); at < end; at++) {
          const other = sequence[at]!;
          if (other === item || counted[other] === stamp) continue;
          counted[other] = stamp;
          if (together[other] === 0) touched.push(other);
          together[other]!++;
        }
      }
      const near = touched.map((other) => ({
        other,
        weight: together[other]! / (Math.sqrt(degree(item) * degree(other)) + shrink),
      }));
      near.sort((a, b) => b.weight - a.weight || a.other - b.other);
      for (const { other, weight } of near.slice(0, neighbours)) {
        ids.push(other);
        weights.push(weight);
      }
      starts[item + 1] = ids.length;
      for (const other of touched) together[other] = 0;
    }
    return {
      starts: { data: starts, shape: [count + 1] },
      ids: { data: Int32Array.from(ids), shape: [ids.length] },
      weights: { data: Float32Array.from(weights), shape: [ids.length] },
    };
  },
  scorer({ starts, ids, weights }, _, { decay }) {
    const [from, to, weight] = [starts, ids, weights].map((t) => t!.data) as [
      Int32Array,
      Int32Array,
      Float32Array,
    ];
    return (history, scores) => {
      let share = 1;
      for (let h = history.length - 1; h >= 0 && share > 1e-6; h--, share *= decay) {
        const item = history[h]!;
        for (let k = from[item]!; k < from[item + 1]!; k++) scores[to[k]!]! += share * weight[k]!;
      }
    };
  },
});
