/** @file A share of the users to learn from, as a small platform would have. Pure functions on typed arrays. */
import { stream } from "../tensor/random.ts";
import { someCases } from "./cold.ts";
import { gather } from "./sequences.ts";
import type { Split } from "./split.ts";

export interface UserShare {
  /** Above 0, at most 1. */
  readonly share: number;
  readonly seed: number;
}

/** Marks of the chosen users: the share of them (rounded, at least one) that the seed chooses. */
export function chosenUsers(users: number, { share, seed }: UserShare): Uint8Array {
  const count = Math.max(1, Math.round(share * users));
  const order = stream(seed, "users").shuffle(Int32Array.from({ length: users }, (_, user) => user));
  const marks = new Uint8Array(users);
  for (const user of order.subarray(0, count)) marks[user] = 1;
  return marks;
}

/**
 * The split of which only a share of the users is trained and validated on: the training histories of the others are
 * empty, so that users keep their numbers. All are tested, with the histories that they have.
 */
export function withSomeUsers(split: Split, chosen: UserShare): Split {
  if (chosen.share === 1) return split;
  const { training, validation } = split;
  const { offsets } = training;
  const marks = chosenUsers(offsets.length - 1, chosen);
  return {
    ...split,
    training: gather(training, marks.length, (user) => ({
      start: offsets[user]!,
      end: offsets[user + marks[user]!]!,
    })),
    validation: someCases(validation, (c) => marks[validation.users[c]!] === 1),
  };
}
