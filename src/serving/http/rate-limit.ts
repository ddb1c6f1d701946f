/** @file How many requests a client may send: a bucket of tokens for each. */

/** Clients that are remembered at most; the longest silent are forgotten. */
const mostClients = 10_000;

export interface RateLimit {
  /** Takes a token; resolves to 0, or to the seconds until there is one. */
  take(client: string, now?: number): number;
}

interface Bucket {
  tokens: number;
  time: number;
}

/** So many requests a second for each client, and a second's worth at once. */
export function rateLimit(perSecond: number): RateLimit {
  const buckets = new Map<string, Bucket>(); // in order of use
  const capacity = Math.max(1, perSecond);
  return {
    take(client, now = performance.now()) {
      const bucket = buckets.get(client) ?? { tokens: capacity, time: now };
      bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.time) / 1000) * perSecond);
      bucket.time = now;
      buckets.delete(client);
      buckets.set(client, bucket);
      if (buckets.size > mostClients) buckets.delete(buckets.keys().next().value!);
      if (bucket.tokens < 1) return (1 - bucket.tokens) / perSecond;
      bucket.tokens--;
      return 0;
    },
  };
}
