import fc from "fast-check";
import { expect, test } from "vitest";
import { app } from "./app.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";
import { fuzzRequests, stackTrace } from "./testing/fuzz-requests.ts";

const runs = 900;

test("no request makes a 5xx, a crash or a stack trace", async () => {
  const errors: unknown[] = [];
  const { recommender } = cycleRecommender();
  const server = app(recommender, { onError: (error) => errors.push(error), bodyLimitBytes: 10_000 });
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(fuzzRequests(), async ({ method, path, body }) => {
      const url = `http://localhost${path}`;
      const answer = await server.request(url, { method, ...(body === undefined ? {} : { body }) });
      const text = await answer.text();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status, `${method} ${url} ${body}: ${text} ${errors[0]}`).toBeLessThan(500);
      expect(text).not.toMatch(stackTrace);
      if (answer.status >= 400) expect(answer.headers.get("content-type")).toBe("application/problem+json");
    }),
    { numRuns: runs, seed: 6 },
  );
  expect(errors).toEqual([]);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 204, 400, 422]));
  expect(statuses.get(200)).toBeGreaterThan(runs / 12);
  expect((await server.request("/v1/recommend", { method: "POST", body: '{"history":["a"]}' })).status).toBe(
    200,
  );
});
