/** @file Wrong requests, made from the schemas, sent to a running service. */
import fc from "fast-check";
import { fuzzRequests, stackTrace } from "../src/serving/testing/fuzz-requests.ts";

/** Sends so many requests; counts the answers by status, those of 5xx and those that hold a stack trace. */
export async function fuzzServer(address: string, count: number): Promise<Record<string, unknown>> {
  const statuses: Record<string, number> = {};
  let traces = 0;
  let broken = 0;
  const requests = fc.sample(fuzzRequests(["reload"]), { numRuns: count, seed: 1 });
  for (const { method, path, body } of requests) {
    try {
      const answer = await fetch(`${address}${path}`, { method, ...(body === undefined ? {} : { body }) });
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (stackTrace.test(await answer.text())) traces++;
    } catch {
      broken++;
    }
  }
  const faults = Object.entries(statuses).reduce(
    (sum, [status, n]) => sum + (Number(status) >= 500 ? n : 0),
    0,
  );
  const alive = (await fetch(`${address}/healthz`)).status === 200;
  return { requests: count, statuses, faults, traces, broken, alive };
}
