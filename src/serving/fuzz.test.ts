import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { app } from "./app.ts";
import { type Endpoint, endpoints } from "./http/endpoints.ts";
import { cycleRecommender } from "./testing/cycle-recommender.ts";
import { fuzzed } from "./testing/from-json-schema.ts";

const seeds = Number(process.env.SEQUITUR_FUZZ ?? 150);

const wildPath = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("..", "%", "%ff", "a%00b", "a"),
);

/** Bodies: what the schema generates, or bytes that are no JSON. */
const bodyOf = (schema: z.ZodType | undefined) =>
  schema === undefined
    ? fc.constant(undefined)
    : fc.oneof(
        {
          weight: 9,
          arbitrary: fuzzed(z.toJSONSchema(schema, { io: "input" }) as never).map((value) =>
            JSON.stringify(value),
          ),
        },
        {
          weight: 1,
          arbitrary: fc.constantFrom("", "{", "[[[", "null", '"', "[".repeat(20_000), '{"a":1}'.repeat(3)),
        },
      );

const requestOf = ([id, { method, path, body }]: [string, Endpoint]) =>
  fc
    .record({ body: bodyOf(body), variable: wildPath, raw: fc.boolean(), query: fc.string() })
    .map(({ variable, raw, query, ...rest }) => {
      const text = raw ? variable : encodeURIComponent(variable.replaceAll(/\p{Surrogate}/gu, "x"));
      return {
        id,
        method: method.toUpperCase(),
        path: `${path.replace("{id}", () => text)}?${query}`,
        ...rest,
      };
    });

const requests = fc.oneof(...Object.entries<Endpoint>(endpoints).map(requestOf));

test("no request makes a 5xx, a crash or a stack trace", async () => {
  const errors: unknown[] = [];
  const { recommender } = cycleRecommender();
  const server = app(recommender, { onError: (error) => errors.push(error), bodyLimitBytes: 10_000 });
  const statuses = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(requests, async ({ method, path, body }) => {
      const url = `http://localhost${path.replaceAll(/[\ud800-\udfff]/g, "x")}`;
      fc.pre(URL.canParse(url));
      const answer = await server.request(url, { method, ...(body === undefined ? {} : { body }) });
      const text = await answer.text();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      expect(answer.status, `${method} ${url} ${body}: ${text} ${errors[0]}`).toBeLessThan(500);
      expect(text).not.toMatch(/\bat .*\.[jt]s:\d+|node_modules|node:internal/);
      if (answer.status >= 400) expect(answer.headers.get("content-type")).toBe("application/problem+json");
    }),
    { numRuns: 6 * seeds, seed: 6 },
  );
  expect(errors).toEqual([]);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 204, 400, 422]));
  expect(statuses.get(200)).toBeGreaterThan(seeds / 2);
  expect((await server.request("/v1/recommend", { method: "POST", body: '{"history":["a"]}' })).status).toBe(
    200,
  );
});
