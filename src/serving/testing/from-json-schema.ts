/** @file Arbitrary values from a JSON schema, right ones and wrong ones, for fuzzing what the schema guards. */

import fc from "fast-check";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly maxLength?: number;
  readonly additionalProperties?: Schema | boolean;
}

/** Texts that break what is careless: SQL, paths, HTML, formats, other alphabets, half characters. */
const hostile = fc.constantFrom(
  "'; DROP TABLE events; --",
  "../../../etc/passwd",
  "<script>alert(1)</script>",
  "%00",
  "\0",
  "\ud800",
  "__proto__",
  "constructor",
  "🎬".repeat(100),
  "x".repeat(5000),
  "a",
  "ann",
);
const text = fc.oneof(hostile, fc.string(), fc.string({ unit: "binary" }));
const anyJson = fc.oneof(fc.jsonValue(), fc.constantFrom(1e308, -0, 2 ** 53, -1, 1e9, ""), text);

/** Values that mostly fit a schema; now and then a part of another type, an unknown key or a missing one. */
export function fuzzed(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 12, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anyJson });
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(fuzzed));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if ("const" in schema) return fc.constant(schema.const);
  switch (schema.type) {
    case "object":
      return object(schema);
    case "array":
      return fc.array(fuzzed(schema.items ?? {}), { maxLength: 8 });
    case "integer":
      return fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer(), fc.double());
    case "number":
      return fc.oneof(fc.integer(), fc.double());
    case "string":
      return text;
    case "boolean":
      return fc.boolean();
    default:
      return anyJson;
  }
}

function object({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, fuzzed(property)])),
    { requiredKeys: [...required] },
  );
  const open = typeof additionalProperties === "object";
  const others = fc.dictionary(text, open ? fuzzed(additionalProperties) : anyJson, { maxKeys: 3 });
  return fc
    .tuple(
      known,
      fc.oneof({ weight: open ? 1 : 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: others }),
    )
    .map(([fits, more]) => ({ ...more, ...fits }));
}
