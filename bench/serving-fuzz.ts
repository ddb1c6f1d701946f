/** @file Wrong requests, made from the schemas, sent to a running service. */
import fc from "fast-check";
import { fuzzRequests, stackTrace } from "../src/serving/testing/fuzz-requests.ts";

export interface Fuzzed {
  readonly requests: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers of 5xx, those that hold a stack trace, and connections that broke. */
  readonly faults: number;
  readonly traces: number;
  readonly broken: number;
  readonly alive: boolean;
}

/** Sends so many requests; counts the answers by status, those of 5xx and those that hold a stack trace. */
export async function fuzzServer(
  address: string,
  count: number,
  onProgress: (message: string) => void,
): Promise<Fuzzed> {
  const statuses: Record<string, number> = {};
  let traces = 0;
  let broken = 0;
  const requests = fc.sample(fuzzRequests(["reload"]), { numRuns: count, seed: 1 });
  for (const [at, { method, path, body }] of requests.entries()) {
    try {
      const answer = await fetch(`${address}${path}`, { method, ...(body === undefined ? {} : { body }) });
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (stackTrace.test(await answer.text())) traces++;
    } catch {
      broken++;
    }
    if (at % 1000 === 999) onProgress(`${at + 1} of ${count}: ${JSON.stringify(statuses)}`);
  }
  const faults = Object.entries(statuses).reduce(
    (sum, [status, n]) => sum + (Number(status) >= 500 ? n : 0),
    0,
  );
  const alive = (await fetch(`${address}/healthz`)).status === 200;
  return { requests: count, statuses, faults, traces, broken, alive };
}
