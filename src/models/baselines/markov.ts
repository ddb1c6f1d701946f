/** @file Markov chains over the most recent items, with back-off to shorter contexts. */
import { z } from "zod";
import type { Sequences } from "../../data/sequences.ts";
import { countItems, defineBaseline } from "./define.ts";

const config = z.strictObject({
  name: z.literal("markov").default("markov"),
  order: z.int().min(1).max(2).default(2).describe("most recent items that make the context"),
});

/** Continuations of contexts: context k has `items[starts[k] .. starts[k + 1])`, each with its count. */
interface Continuations {
  readonly contexts: Float64Array;
  readonly starts: Int32Array;
  readonly items: Int32Array;
  readonly counts: Float32Array;
}

/** Counts what followed each context; a context is one number, made of the items before. */
function count(
  { offsets, sequence }: Sequences,
  order: number,
  contextAt: (at: number) => number,
): Continuations {
  const found = new Map<number, Map<number, number>>();
  for (let user = 0; user < offsets.length - 1; user++) {
    for (let at = offsets[user]! + order; at < offsets[user + 1]!; at++) {
      const context = contextAt(at);
      const next = found.get(context) ?? new Map<number, number>();
      found.set(context, next);
      next.set(sequence[at]!, (next.get(sequence[at]!) ?? 0) + 1);
    }
  }
  const sorted = [...found].sort(([a], [b]) => a - b);
  const starts = new Int32Array(sorted.length + 1);
  sorted.forEach(([, next], k) => {
    starts[k + 1] = starts[k]! + next.size;
  });
  const pairs = sorted.flatMap(([, next]) => [...next]);
  return {
    contexts: Float64Array.from(sorted, ([context]) => context),
    starts,
    items: Int32Array.from(pairs, ([item]) => item),
    counts: Float32Array.from(pairs, ([, n]) => n),
  };
}

/** Place of a context, or −1. */
function find(contexts: Float64Array, context: number): number {
  let low = 0;
  let high = contexts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (contexts[middle]! < context) low = middle + 1;
    else high = middle;
  }
  return contexts[low] === context ? low : -1;
}

/**
 * P(x | c) = (n(c, x) + t(c) · P(x | shorter c)) / (n(c) + t(c)), where t(c) is the number of different items that
 * followed c; the shortest context is none, whose probabilities are (n(x) + 1) / (n + N). Scores are log-probabilities.
 *
 * Source: Markov chains with the interpolation of Witten & Bell 1991 ("The zero-frequency problem").
 */
export const markov = defineBaseline<z.infer<typeof config>>({
  name: "markov",
  summary: "what followed the last one or two items, with back-off",
  source: "Markov chains of order 1 and 2, interpolated as in Witten & Bell 1991",
  config,
  fit({ sequences, count: items }, { order }) {
    const { sequence } = sequences;
    const counts = countItems(sequence, items);
    const orders = [
      count(sequences, 1, (at) => sequence[at - 1]!),
      ...(order === 2 ? [count(sequences, 2, (at) => sequence[at - 2]! * items + sequence[at - 1]!)] : []),
    ];
    const stored = orders.flatMap((continuations, k) =>
      Object.entries(continuations).map(([name, data]) => [
        `order${k + 1}.${name}`,
        { data, shape: [data.length] },
      ]),
    );
    const total = sequence.length + items;
    const base = counts.map((n) => (n + 1) / total);
    return { base: { data: base, shape: [items] }, ...Object.fromEntries(stored) };
  },
  scorer(state, items, { order }) {
    const base = state.base!.data as Float32Array;
    const tables = Array.from({ length: order }, (_, k) => {
      const part = (name: string) => state[`order${k + 1}.${name}`]!.data;
      return {
        contexts: part("contexts"),
        starts: part("starts"),
        items: part("items"),
        counts: part("counts"),
      } as Continuations;
    });
    const logBase = base.map(Math.log);
    return (history, scores) => {
      const [last, before] = [history.at(-1), history.at(-2)];
      const contexts = [last, before === undefined ? undefined : before * items + last!];
      const met = new Map<number, number>(); // probabilities of what followed
      let share = 1; // of the base in all others' probabilities
      tables.forEach((table, k) => {
        const context = contexts[k];
        const at = context === undefined ? -1 : find(table.contexts, context);
        if (at < 0) return;
        const [from, to] = [table.starts[at]!, table.starts[at + 1]!];
        let seen = 0;
        for (let i = from; i < to; i++) seen += table.counts[i]!;
        const different = to - from;
        const left = different / (seen + different);
        for (let i = from; i < to; i++) {
          const item = table.items[i]!;
          if (!met.has(item)) met.set(item, base[item]! * share);
        }
        for (const [item, probability] of met) met.set(item, probability * left);
        for (let i = from; i < to; i++) {
          const item = table.items[i]!;
          met.set(item, met.get(item)! + table.counts[i]! / (seen + different));
        }
        share *= left;
      });
      const shift = Math.log(share);
      for (let x = 0; x < logBase.length; x++) scores[x] = logBase[x]! + shift;
      for (const [item, probability] of met) scores[item] = Math.log(probability);
    };
  },
});
