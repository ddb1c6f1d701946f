/** @file From the items of histories to the histories of items. */
import type { Sequences } from "./sequences.ts";

/** The histories that hold each item, each once: item i is in `people[offsets[i] .. offsets[i + 1])`. */
export function invert({ offsets, sequence }: Sequences, count: number, longest: number): Sequences {
  const seen = new Int32Array(count).fill(-1);
  const visit = (each: (item: number, person: number) => void): void => {
    seen.fill(-1);
    for (let person = 0; person < offsets.length - 1; person++) {
      for (
        let at = Math.max(offsets[person]!, offsets[person + 1]! - longest);
        at < offsets[person + 1]!;
        at++
      ) {
        const item = sequence[at]!;
        if (seen[item] === person) continue;
        seen[item] = person;
        each(item, person);
      }
    }
  };
  const starts = new Int32Array(count + 1);
  visit((item) => starts[item + 1]!++);
  for (let i = 0; i < count; i++) starts[i + 1]! += starts[i]!;
  const free = starts.slice();
  const people = new Int32Array(starts[count]!);
  visit((item, person) => {
    people[free[item]!++] = person;
  });
  return { offsets: starts, sequence: people };
}
