/** @file The times of interactions as a model reads them: whole seconds, counted from the end of their history. */
import type { Sequences } from "./sequences.ts";

/** Whole seconds from `end` on, as far as int32 reaches: 0 or less where `time` is not after `end`. */
export const relativeSeconds = (time: number, end: number): number =>
  Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.round(time - end)));

/** Where the times of tokens go, [R, W] each; absent where a model reads none. */
export interface TimeColumns {
  readonly met?: Int32Array;
  readonly next?: Int32Array;
}

/** Writes the times of `length` items from `start` on: of each, and of the one after it. */
export function writeTimes(
  { times }: Sequences,
  { start, length, place }: { readonly start: number; readonly length: number; readonly place: number },
  { met, next }: TimeColumns,
): void {
  if (!met || !next || !times) return;
  const end = times[start + length]!;
  for (let i = 0; i < length; i++) {
    met[place + i] = relativeSeconds(times[start + i]!, end);
    next[place + i] = relativeSeconds(times[start + i + 1]!, end);
  }
}
