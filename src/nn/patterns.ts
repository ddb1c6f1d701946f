/** @file Patterns that choose parameters and values of a network by name. */
import { ConfigError } from "../tensor/errors.ts";

/** A name in which "*" stands for any text, or a regular expression that some part of the name must match. */
export type Pattern = string | RegExp;

export type Patterns = Pattern | readonly Pattern[];

/** Whether a pattern can match one name only. */
export const isExact = (pattern: Pattern): pattern is string =>
  typeof pattern === "string" && !pattern.includes("*");

export const listed = (patterns: Patterns): readonly Pattern[] =>
  typeof patterns === "string" || patterns instanceof RegExp ? [patterns] : patterns;

const literal = (text: string): string => text.replace(/[\\^$.+?()[\]{}|]/g, "\\$&");

/** Whether a name matches. */
export function matches(pattern: Pattern, name: string): boolean {
  if (typeof pattern !== "string") return name.search(pattern) >= 0;
  return new RegExp(`^${pattern.split("*").map(literal).join("[^]*")}$`).test(name);
}

/** @throws ConfigError that a pattern matches nothing of `what`, with the names that come closest */
export function failToMatch(where: string, pattern: Pattern, what: string, names: Iterable<string>): never {
  const text = typeof pattern === "string" ? pattern : pattern.source;
  const parts = text.split("*");
  const ranked = [...names]
    .map((name) => ({ name, distance: parts.reduce((d, part) => d + distanceWithin(part, name), 0) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3);
  const close = ranked.map(({ name }) => `"${name}"`).join(", ");
  throw new ConfigError(
    "no-match",
    `${where}: "${text}" matches no ${what}${close ? `; the nearest are ${close}` : "; there are none"}`,
    { pattern: text },
  );
}

/** Edit distance between a text and the part of a name that is nearest to it (Sellers 1980). */
function distanceWithin(text: string, name: string): number {
  let previous = new Array<number>(name.length + 1).fill(0);
  for (let i = 1; i <= text.length; i++) {
    const current = [i];
    for (let j = 1; j <= name.length; j++) {
      const replace = previous[j - 1]! + Number(text[i - 1] !== name[j - 1]);
      current.push(Math.min(replace, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return Math.min(...previous);
}
