/** @file Cold items: a share of the catalogue that training never meets. Pure functions on typed arrays. */
import { ConfigError } from "../tensor/errors.ts";
import { stream } from "../tensor/random.ts";
import { type Cases, gather, type Sequences } from "./sequences.ts";
import type { Split } from "./split.ts";

export interface ColdOptions {
  /** Share of all items, above 0 and below 1. */
  readonly share: number;
  readonly seed: number;
}

/** Marks of the cold items [N]: the share of them (rounded) that the seed chooses. @throws ConfigError where that is none */
export function coldItems(items: number, { share, seed }: ColdOptions): Uint8Array {
  const count = Math.round(share * items);
  if (count === 0 || count === items) {
    const what = `split.cold: ${share} of ${items} items are ${count}; choose a share that leaves some on either side`;
    throw new ConfigError("cold-share", what, { share, items });
  }
  const order = Int32Array.from({ length: items }, (_, item) => item);
  const marks = new Uint8Array(items);
  for (const item of stream(seed, "cold").shuffle(order).subarray(0, count)) marks[item] = 1;
  return marks;
}

/**
 * The split with items removed from training: from its histories, which close up, and from the validation targets, which
 * choose the checkpoint. Histories of cases stay as they are, and test targets too: there the items are met cold.
 */
export function withoutItems(split: Split, cold: Uint8Array): Split {
  return {
    ...split,
    training: filtered(split.training, cold),
    validation: someCases(split.validation, (c) => cold[split.validation.target[c]!] === 0),
    cold,
  };
}

function filtered({ offsets, sequence, times }: Sequences, cold: Uint8Array): Sequences {
  const isWarm = (at: number): boolean => cold[sequence[at]!] === 0;
  const shifted = new Int32Array(offsets.length);
  let size = 0;
  for (let user = 0; user < offsets.length - 1; user++) {
    for (let at = offsets[user]!; at < offsets[user + 1]!; at++) if (isWarm(at)) size++;
    shifted[user + 1] = size;
  }
  return {
    offsets: shifted,
    sequence: sequence.filter((_, at) => isWarm(at)),
    times: times?.filter((_, at) => isWarm(at)),
  };
}

/** The cases that a test chooses, in their order. */
export function someCases(cases: Cases, holds: (c: number) => boolean): Cases {
  const { users, offsets, history, target, times } = cases;
  const chosen = Int32Array.from(target.keys()).filter(holds);
  const rows = gather({ sequence: history, times: times?.history }, chosen.length, (k) => ({
    start: offsets[chosen[k]!]!,
    end: offsets[chosen[k]! + 1]!,
  }));
  return {
    users: chosen.map((c) => users[c]!),
    offsets: rows.offsets,
    history: rows.sequence,
    target: chosen.map((c) => target[c]!),
    times: times && { history: rows.times!, target: Float64Array.from(chosen, (c) => times.target[c]!) },
  };
}
