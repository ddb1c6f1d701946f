/** @file Counts for pictures of the data: bins that double, equal spans of time, the long tail. Pure functions. */

export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** How many values lie in 1, 2–3, 4–7, 8–15 …; values of 0 are in a bin of their own. */
export function doublingBins(values: Int32Array): Bin[] {
  const binOf = (value: number): number => (value < 1 ? 0 : 1 + Math.floor(Math.log2(value)));
  const counts: number[] = [];
  for (const value of values) {
    const bin = binOf(value);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const bins = Array.from(counts, (count = 0, bin) =>
    bin === 0 ? { from: 0, to: 0, count } : { from: 2 ** (bin - 1), to: 2 ** bin - 1, count },
  );
  return bins.slice(
    Math.max(
      0,
      bins.findIndex(({ count }) => count > 0),
    ),
  );
}

export interface Period {
  readonly from: number;
  readonly count: number;
}

/** How many moments lie in each of so many equal spans between the first and the last one. */
export function spans(times: Float64Array, first: number, last: number, count: number): Period[] {
  const width = Math.max(1, (last - first) / count);
  const counts = new Int32Array(count);
  for (const time of times) counts[Math.max(0, Math.min(count - 1, Math.floor((time - first) / width)))]!++;
  return Array.from(counts, (n, k) => ({ from: first + k * width, count: n }));
}

/** Share of all interactions that the most popular items have, by share of the items, at so many points. */
export function longTail(counts: Int32Array, points: number): { items: number; interactions: number }[] {
  const sorted = counts.slice().sort().reverse();
  const total = sorted.reduce((a, b) => a + b, 0);
  const curve = [{ items: 0, interactions: 0 }];
  let [sum, taken] = [0, 0];
  for (let k = 1; k <= points; k++) {
    const until = Math.round((k / points) * sorted.length);
    for (; taken < until; taken++) sum += sorted[taken]!;
    curve.push({ items: k / points, interactions: total === 0 ? 0 : sum / total });
  }
  return curve;
}

/** The values beside each item of a sequence, put together by item once, so that none is looked for again. */
export function byItem(
  sequence: Int32Array,
  values: Float64Array,
  items: number,
): (item: number) => Float64Array {
  const starts = new Int32Array(items + 1);
  for (const item of sequence) starts[item + 1]!++;
  for (let item = 0; item < items; item++) starts[item + 1]! += starts[item]!;
  const next = starts.slice();
  const sorted = new Float64Array(values.length);
  for (let at = 0; at < sequence.length; at++) sorted[next[sequence[at]!]!++] = values[at]!;
  return (item) => sorted.subarray(starts[item], starts[item + 1]);
}
