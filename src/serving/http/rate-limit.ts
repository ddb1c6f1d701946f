/** @file How many requests a client may send: a bucket of tokens for each. */

/** Clients that are remembered at most; the longest silent are forgotten. */
const mostClients = 10_000;

export interface RateLimit {
  /**
   * Takes a token for each of `count` requests that come as one, of which `taken` have theirs already; 0, or the seconds
   * until there are enough, where none is taken. More than a bucket holds need a full one, and are paid for afterwards.
   */
  take(client: string, requests?: { readonly count: number; readonly taken: number }, now?: number): number;
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
    take(client, { count, taken } = { count: 1, taken: 0 }, now = performance.now()) {
      const bucket = buckets.get(client) ?? { tokens: capacity, time: now };
      bucket.tokens = Math.min(capacity, bucket.tokens + ((now - bucket.time) / 1000) * perSecond);
      bucket.time = now;
      buckets.delete(client);
      buckets.set(client, bucket);
      if (buckets.size > mostClients) buckets.delete(buckets.keys().next().value!);
      const needed = Math.min(count, capacity);
      if (bucket.tokens < needed - taken) return (needed - bucket.tokens) / perSecond;
      bucket.tokens -= count - taken;
      return 0;
    },
  };
}
