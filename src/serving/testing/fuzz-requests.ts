/** @file Requests for every endpoint, made from the schemas that guard it. */

import fc from "fast-check";
import { z } from "zod";
import { type Endpoint, endpoints } from "../http/endpoints.ts";
import { fuzzed } from "./from-json-schema.ts";

export interface FuzzRequest {
  readonly method: string;
  /** With the query; a URL once a host stands before it. */
  readonly path: string;
  readonly body: string | undefined;
}

const wildPath = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("..", "%", "%ff", "a%00b", "a"),
);

/** Bodies: what the schema generates, or texts that are no JSON. */
const bodyOf = (schema: z.ZodType | undefined): fc.Arbitrary<string | undefined> =>
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

const withoutHalves = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, "x");

const requestOf = ([, { method, path, body }]: [string, Endpoint]): fc.Arbitrary<FuzzRequest> =>
  fc
    .record({ body: bodyOf(body), variable: wildPath, raw: fc.boolean(), query: fc.string() })
    .map(({ variable, raw, query, ...rest }) => {
      const text = raw ? variable : encodeURIComponent(withoutHalves(variable));
      const whole = withoutHalves(`${path.replace("{id}", () => text)}?${query}`);
      return { method: method.toUpperCase(), path: whole, ...rest };
    });

/** Any request that is a URL; `without` leaves out operations. */
export const fuzzRequests = (without: readonly string[] = []): fc.Arbitrary<FuzzRequest> =>
  fc
    .oneof(
      ...Object.entries<Endpoint>(endpoints)
        .filter(([id]) => !without.includes(id))
        .map(requestOf),
    )
    .filter(({ path }) => URL.canParse(`http://localhost${path}`));

/** What would give the inside of the server away. */
export const stackTrace = /\bat .*\.[jt]s:\d+|node_modules|node:internal/;
