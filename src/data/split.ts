/** @file The two splits: leave-one-out (the standard protocol) and global time. Pure functions on typed arrays. */

import { ConfigError, DataError } from "../tensor/errors.ts";
import { type Cases, gather, type Sequences, type Span } from "./sequences.ts";

export type { Cases, Sequences } from "./sequences.ts";

/** The columns of a dataset that a split reads. */
export interface SplitInput {
  readonly offsets: Int32Array;
  readonly sequence: Int32Array;
  /** Seconds since 1970 beside `sequence`; only the global-time split needs them. */
  readonly times?: Float64Array | undefined;
}

/** Training histories (one per user, possibly empty) and the cases that a model is validated and tested on. */
export interface Split {
  readonly kind: "leave-one-out" | "global-time";
  readonly training: Sequences;
  readonly validation: Cases;
  readonly test: Cases;
  /** Global time only: validation starts at the first and test at the second moment, in seconds since 1970. */
  readonly cuts?: { readonly validation: number; readonly test: number };
  /** 1 for items that training does without; absent where it does without none. */
  readonly cold?: Uint8Array;
}

/** The shares of all interactions that lie after the two cuts of the global-time split, each between 0 and 1. */
export interface GlobalTimeOptions {
  readonly validationFraction: number;
  readonly testFraction: number;
}

/** Users with fewer interactions are not evaluated by leave-one-out: all of theirs are training. */
const LEAST_INTERACTIONS = 3;

/**
 * Leave-one-out: per user the last interaction is the test target, the second last the validation target and the rest
 * training; the history of a test case includes the validation item.
 *
 * Users with fewer than three interactions are not evaluated, and all of their interactions are training.
 */
export function leaveOneOut(input: SplitInput): Split {
  const { offsets } = input;
  const users = offsets.length - 1;
  const evaluated = usersWhere(users, (user) => offsets[user + 1]! - offsets[user]! >= LEAST_INTERACTIONS);
  const training = gather(input, users, (user) => {
    const length = offsets[user + 1]! - offsets[user]!;
    return { start: offsets[user]!, end: offsets[user + 1]! - (length >= LEAST_INTERACTIONS ? 2 : 0) };
  });
  const before = (last: number) => (user: number) => ({
    start: offsets[user]!,
    end: offsets[user + 1]! - last,
  });
  return {
    kind: "leave-one-out",
    training,
    validation: casesOf(input, evaluated, before(2)),
    test: casesOf(input, evaluated, before(1)),
  };
}

/**
 * Global time: what happened before the first cut is training; a user's first interaction between the cuts is a
 * validation target, and the first one after the second cut a test target, each with all of the user's interactions
 * before that cut as history. Users without a history before a cut have no case there.
 *
 * The cuts are moments at which the wished shares of all interactions lie after them; interactions of one moment are
 * never on two sides. DataError where the dataset has no times or a part is empty; ConfigError for impossible shares.
 */
export function globalTime(input: SplitInput, options: GlobalTimeOptions): Split {
  const { offsets, times } = input;
  if (times === undefined) {
    const what = "global-time split: this dataset has no times, only an order; use leave-one-out";
    throw new DataError("no-times", what);
  }
  const cuts = cutsOf(times, options);
  const users = offsets.length - 1;
  const first = firstFrom(offsets, times, cuts.validation);
  const second = firstFrom(offsets, times, cuts.test);
  const inValidation = usersWhere(
    users,
    (user) => first[user]! > offsets[user]! && first[user]! < second[user]!,
  );
  const inTest = usersWhere(
    users,
    (user) => second[user]! > offsets[user]! && second[user]! < offsets[user + 1]!,
  );
  const before = (cut: Int32Array) => (user: number) => ({ start: offsets[user]!, end: cut[user]! });
  const split: Split = {
    kind: "global-time",
    training: gather(input, users, before(first)),
    validation: casesOf(input, inValidation, before(first)),
    test: casesOf(input, inTest, before(second)),
    cuts,
  };
  refuseEmpty(split);
  return split;
}

function refuseEmpty({ training, validation, test }: Split): void {
  const parts = {
    training: training.sequence.length,
    validation: validation.users.length,
    test: test.users.length,
  };
  for (const [part, count] of Object.entries(parts)) {
    if (count > 0) continue;
    const why = `global-time split: nothing is left for ${part}; choose other fractions`;
    throw new DataError("empty-split", why, { part });
  }
}

function cutsOf(times: Float64Array, { validationFraction, testFraction }: GlobalTimeOptions) {
  for (const [name, value] of Object.entries({ validationFraction, testFraction })) {
    if (value > 0 && validationFraction + testFraction < 1) continue;
    const what = `${name}: ${value} does not fit; both fractions must be above 0 and their sum below 1`;
    throw new ConfigError("bad-fraction", what, { validationFraction, testFraction });
  }
  const sorted = times.slice().sort();
  const last = Math.max(0, sorted.length - 1);
  const at = (share: number) => sorted[Math.min(last, Math.round(sorted.length * share))] ?? 0;
  return { validation: at(1 - validationFraction - testFraction), test: at(1 - testFraction) };
}

/** For every user the position of the first interaction at or after a moment, or the end of the user's sequence. */
function firstFrom(offsets: Int32Array, times: Float64Array, moment: number): Int32Array {
  const positions = new Int32Array(offsets.length - 1);
  for (let user = 0; user < positions.length; user++) {
    let low = offsets[user]!;
    let high = offsets[user + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (times[middle]! < moment) low = middle + 1;
      else high = middle;
    }
    positions[user] = low;
  }
  return positions;
}

function usersWhere(users: number, holds: (user: number) => boolean): Int32Array {
  const chosen = new Int32Array(users);
  let count = 0;
  for (let user = 0; user < users; user++) if (holds(user)) chosen[count++] = user;
  return chosen.slice(0, count);
}

/** One case per user: the history is the user's span, and the target is the item right after it. */
function casesOf(input: SplitInput, users: Int32Array, historyOf: (user: number) => Span): Cases {
  const { offsets, sequence: history, times } = gather(input, users.length, (i) => historyOf(users[i]!));
  const ends = users.map((user) => historyOf(user).end);
  const target = ends.map((end) => input.sequence[end]!);
  const asked = times && { history: times, target: Float64Array.from(ends, (end) => input.times![end]!) };
  return { users, offsets, history, target, times: asked };
}
