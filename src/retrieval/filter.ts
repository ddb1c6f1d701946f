/** @file Filters over item fields: what a request may say, checked and in one form. */
import { ConfigError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";

export const operators = ["in", "nin", "eq", "ne", "gte", "lte", "gt", "lt", "exists"] as const;
export type Operator = (typeof operators)[number];
/** A value of a field. */
export type Scalar = string | number | boolean;

/** One thing that a field must be. */
export interface Condition {
  readonly field: string;
  readonly operator: Operator;
  /** A list for "in" and "nin", a boolean for "exists". */
  readonly operand: Scalar | readonly Scalar[];
}

/** A filter costs a pass over the catalogue for each. */
const MOST_CONDITIONS = 32;

/** All of these must hold. */
export type Filter = readonly Condition[];

/**
 * Reads a filter such as {"genre": {"in": ["Drama"]}, "year": {"gte": 1990}}; a plain value stands for "eq", a list for
 * "in".
 *
 * @throws ConfigError that names the wrong field, operator or value, with the nearest name
 */
export function parseFilter(filter: unknown, fields: readonly string[]): Filter {
  if (!isObject(filter)) throw wrong('filter: give an object, such as {"year": {"gte": 1990}}', "filter");
  const conditions = Object.entries(filter).flatMap(([field, value]) => {
    if (!fields.includes(field)) throw wrong(unknownField(field, fields), field);
    if (Array.isArray(value)) return [condition(field, "in", value)];
    if (!isObject(value)) return [condition(field, "eq", value)];
    return Object.entries(value).map(([operator, operand]) => condition(field, operator, operand));
  });
  if (conditions.length <= MOST_CONDITIONS) return conditions;
  throw wrong(`filter: ${conditions.length} conditions, at most ${MOST_CONDITIONS} are looked at`, "filter");
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isScalar = (value: unknown): value is Scalar =>
  typeof value === "string" ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value));

function unknownField(field: string, fields: readonly string[]): string {
  if (fields.length > 0) return `filter: items have no field "${field}"${suggest(field, fields)}`;
  return `filter: items have no field "${field}": the run knows no item fields; import items with --items and train again`;
}

function condition(field: string, operator: string, operand: unknown): Condition {
  if (!operators.includes(operator as Operator))
    throw wrong(`filter: ${field}: there is no operator "${operator}"${suggest(operator, operators)}`, field);
  const named = operator as Operator;
  if (isRight(named, operand)) return { field, operator: named, operand: operand as Scalar };
  throw wrong(
    `filter: ${field}.${operator}: ${JSON.stringify(operand) ?? "nothing"} is not ${wanted(named)}`,
    field,
  );
}

function isRight(operator: Operator, operand: unknown): boolean {
  if (operator === "in" || operator === "nin") return Array.isArray(operand) && operand.every(isScalar);
  if (operator === "exists") return typeof operand === "boolean";
  return isScalar(operand) && (operator === "eq" || operator === "ne" || typeof operand !== "boolean");
}

function wanted(operator: Operator): string {
  if (operator === "in" || operator === "nin") return "a list of texts, numbers or booleans";
  if (operator === "exists") return "true or false";
  return operator === "eq" || operator === "ne" ? "a text, a number or a boolean" : "a number or a text";
}

const wrong = (message: string, field: string): ConfigError =>
  new ConfigError("bad-filter", message, { field });

/** Whether a value is what an operator that looks at one value asks for. */
export function holds(value: Scalar, operator: Operator, operand: Condition["operand"]): boolean {
  switch (operator) {
    case "in":
    case "nin":
      return (operand as readonly Scalar[]).some((one) => same(value, one));
    case "eq":
    case "ne":
      return same(value, operand as Scalar);
    case "exists":
      return true;
    default: {
      const order = compare(value, operand as Scalar);
      if (operator === "gt") return order > 0;
      if (operator === "lt") return order < 0;
      return operator === "gte" ? order >= 0 : order <= 0;
    }
  }
}

/** Operators that ask that no value is so. */
export const isNegative = ({ operator, operand }: Condition): boolean =>
  operator === "nin" || operator === "ne" || (operator === "exists" && operand === false);

const same = (value: Scalar, operand: Scalar): boolean =>
  typeof operand === "number" ? numberOf(value) === operand : String(value) === String(operand);

/** Numbers where both are, else texts; NaN where they cannot be compared. */
function compare(value: Scalar, operand: Scalar): number {
  const [a, b] = [numberOf(value), numberOf(operand)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  if (typeof value !== "string" || typeof operand !== "string") return Number.NaN;
  return value < operand ? -1 : Number(value > operand);
}

const numberOf = (value: Scalar): number => {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : Number.NaN;
};
