/** @file The states of some users' histories, to measure recall on what a service is asked for. */
import { stream } from "../tensor/random.ts";
import type { Interactions } from "./fallbacks.ts";
import { type History, packHistories, someItems } from "./histories.ts";
import type { RecallSample } from "./recall.ts";
import type { EncodeHistories } from "./state-source.ts";

/** Users at most, and so many in one call of the model. */
const [most, together] = [256, 64];

export interface UserSampleOptions {
  readonly interactions: Interactions;
  readonly encode: EncodeHistories;
  /** How many of the most recent items of a history the model uses. */
  readonly maxLength: number;
  /** Whether the model knows a row. */
  readonly usable: (row: number) => boolean;
}

/**
 * Whole histories of users drawn with a fixed seed, one of each of equally many neighbours, as of their last interaction;
 * what a user has met is left out of the list, as in an answer. Undefined where nobody has met a usable row.
 */
export async function userSample(options: UserSampleOptions): Promise<RecallSample | undefined> {
  const { interactions, encode, maxLength, usable } = options;
  const histories = someUsers(interactions.offsets.length - 1)
    .map((user) => someItems(historyOf(interactions, user), usable))
    .filter(({ rows }) => rows.length > 0);
  const states: Float32Array[] = [];
  for (let from = 0; from < histories.length; from += together)
    states.push(await encode(packHistories(histories.slice(from, from + together), maxLength)));
  if (states.length === 0) return undefined;
  return { origin: "users", states: joined(states), excluded: histories.map(({ rows }) => rows) };
}

function someUsers(users: number): number[] {
  const count = Math.min(users, most);
  const draws = stream(1, "recall", "users");
  return Array.from({ length: count }, (_, at) => Math.floor(((at + draws.uniform()) * users) / count));
}

function historyOf({ offsets, sequence, times }: Interactions, user: number): History {
  const [from, to] = [offsets[user]!, offsets[user + 1]!];
  const met = times?.subarray(from, to);
  return { rows: sequence.subarray(from, to), times: met && { met, asked: met.at(-1) ?? 0 } };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
