/** @file Reads the text that Prometheus reads. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Samples by the order in the text; comments and lines of another form are passed over. */
export function samplesOf(text: string): Sample[] {
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key!, text!]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });
}

/** Counts up to each bound, of two readings; the later minus the earlier. */
export type Buckets = ReadonlyMap<number, number>;

/** The buckets of a histogram for samples of certain labels, added up. */
export function bucketsOf(samples: readonly Sample[], name: string, labels: Sample["labels"] = {}): Buckets {
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    if (Object.entries(labels).some(([key, value]) => sample.labels[key] !== value)) continue;
    const bound = sample.labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(sample.labels.le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
  return buckets;
}

/** The smallest bound that a share of the observations lies below; null where there are none. */
export function quantile(buckets: Buckets, share: number): number | null {
  const bounds = [...buckets].sort(([a], [b]) => a - b);
  const total = bounds.at(-1)?.[1] ?? 0;
  return bounds.find(([, count]) => total > 0 && count >= share * total)?.[0] ?? null;
}
