/** @file The nearest known name, for errors that say what was probably meant. */

/** Edit distance (insert, delete, replace; Levenshtein 1966) between two names, ignoring case. */
export function editDistance(left: string, right: string): number {
  const a = left.toLowerCase();
  const b = right.toLowerCase();
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replace, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** The known name closest to the given one, or undefined where there is none. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const d = editDistance(name, candidate);
    if (d < distance) [best, distance] = [candidate, d];
  }
  return best;
}

/** "; the nearest is X; there are A, B, C", or "" where nothing is known. */
export function suggest(name: string, known: Iterable<string>): string {
  const names = [...known];
  const best = nearest(name, names);
  return best === undefined ? "" : `; the nearest is "${best}"; there are: ${names.join(", ")}`;
}
