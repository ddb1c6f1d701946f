/** @file Settings checked by a schema, with sentences that name the setting and what is allowed. */
import { z } from "zod";
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";

/** Checks settings and completes them by the defaults. @throws ConfigError with the setting's whole path */
export function checked(where: string, schema: z.ZodType, value: Readonly<Record<string, unknown>>): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = keysOf(schema);
    throw new ConfigError("unknown-setting", `there is no setting "${where}.${key}"${suggest(key, known)}`, {
      key,
    });
  }
  const path = [where, ...issue.path].join(".");
  const given = issue.path.reduce<unknown>((v, k) => (v as Record<PropertyKey, unknown>)?.[k], value);
  const shown = given === undefined ? "its default" : JSON.stringify(given);
  throw new ConfigError("setting-value", `setting "${path}" cannot be ${shown}: ${issue.message}`, { path });
}

/** The settings of a schema, also where more is done with them. */
const keysOf = (schema: z.ZodType): string[] =>
  Object.keys(((schema instanceof z.ZodPipe ? schema.in : schema) as z.ZodObject).shape);

/** A setting that must be an object of settings. @throws ConfigError */
export function section(key: string, value: unknown = {}): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new ConfigError(
    "setting-type",
    `setting "${key}" must be an object of settings, not ${JSON.stringify(value)}`,
    { key },
  );
}
