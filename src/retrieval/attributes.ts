/** @file The fields of items in columns, and the rows that a filter allows. */
import { type Bits, emptyBits, grownBits, setBit } from "./bits.ts";
import { type Condition, type Filter, holds, isNegative, type Scalar } from "./filter.ts";

export type ItemFields = Readonly<Record<string, unknown>>;

/** Longer texts are descriptions: they only count as being there. */
const LONGEST_TEXT = 256;
/** Filters whose rows are kept. */
const MOST_KEPT = 32;

/** Why a filter removes a row. */
export interface Removal extends Condition {
  /** What the row has there. */
  readonly values: readonly Scalar[];
}

/** Fields with long texts cut, which filters take for the same: they are shown, and count as being there. */
export const shortFields = (fields: ItemFields): ItemFields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shortened(value)]));

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shortened);
  const long = typeof value === "string" && isLong(value);
  return long ? `${value.slice(0, LONGEST_TEXT)}…` : value;
}

/** Fields by row. */
export interface Attributes {
  readonly fields: readonly string[];
  readonly bytes: number;
  /** The rows that a filter allows; kept for the next time. The caller only reads them. */
  allowed(filter: Filter): Bits;
  /** The first condition that a row fails, or undefined. */
  removal(row: number, filter: Filter): Removal | undefined;
  /** Gives a row other fields; a row past the end makes the columns grow. */
  put(row: number, fields: ItemFields): void;
}

/** The values of one field: row `r` has `dictionary[codes[offsets[r] .. offsets[r + 1])]`, or what was put since. */
interface Column {
  readonly dictionary: Scalar[];
  readonly codeOf: Map<Scalar, number>;
  readonly offsets: Int32Array;
  readonly codes: Int32Array;
  readonly changed: Map<number, readonly number[]>;
}

interface Kept {
  readonly filter: Filter;
  readonly test: (row: number) => boolean;
  bits: Bits;
}

/**
 * Columns of the fields of all rows. A list has several values, and so has a text with "|" between its parts; other
 * values that are no texts, numbers or booleans are left out.
 */
export function createAttributes(rows: readonly ItemFields[]): Attributes {
  let size = rows.length;
  const columns = new Map<string, Column>();
  for (const name of new Set(rows.flatMap((fields) => Object.keys(fields))))
    columns.set(name, columnOf(rows, name));
  const kept = new Map<string, Kept>();

  const codesOf = (column: Column, row: number): readonly number[] | Int32Array => {
    const changed = column.changed.get(row);
    if (changed || row >= column.offsets.length - 1) return changed ?? [];
    return column.codes.subarray(column.offsets[row]!, column.offsets[row + 1]!);
  };
  const valuesOf = (row: number, field: string): Scalar[] => {
    const column = columns.get(field);
    return column ? Array.from(codesOf(column, row), (code) => column.dictionary[code]!) : [];
  };

  function tester(condition: Condition): (row: number) => boolean {
    const column = columns.get(condition.field);
    const no = isNegative(condition);
    if (!column) return () => no;
    const known: boolean[] = [];
    const matches = (code: number): boolean => {
      known[code] ??= holdsShort(column.dictionary[code]!, condition);
      return known[code];
    };
    return (row) => codesOf(column, row).some(matches) !== no;
  }

  function keep(filter: Filter): Kept {
    const tests = filter.map(tester);
    const test = (row: number): boolean => tests.every((one) => one(row));
    const bits = emptyBits(size);
    for (let row = 0; row < size; row++) if (test(row)) setBit(bits, row, true);
    return { filter, test, bits };
  }

  return {
    get fields() {
      return [...columns.keys()];
    },
    get bytes() {
      let bytes = 0;
      for (const { offsets, codes } of columns.values()) bytes += offsets.byteLength + codes.byteLength;
      return bytes;
    },
    allowed(filter) {
      const key = JSON.stringify(filter);
      const found = kept.get(key) ?? keep(filter);
      kept.delete(key);
      kept.set(key, found); // the one that was asked for last is forgotten last
      if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
      return found.bits;
    },
    removal(row, filter) {
      const failed = filter.find((condition) => !tester(condition)(row));
      return failed && { ...failed, values: valuesOf(row, failed.field) };
    },
    put(row, fields) {
      size = Math.max(size, row + 1);
      for (const name of Object.keys(fields)) if (!columns.has(name)) columns.set(name, columnOf([], name));
      for (const [name, column] of columns) {
        column.changed.set(
          row,
          valuesIn(fields[name]).map((value) => codeOf(column, value)),
        );
      }
      for (const one of kept.values()) {
        one.bits = grownBits(one.bits, size);
        setBit(one.bits, row, one.test(row));
      }
    },
  };
}

const holdsShort = (value: Scalar, { operator, operand }: Condition): boolean =>
  operator === "exists" || (!isLong(value) && holds(value, operator, operand));

const isLong = (value: Scalar): boolean => typeof value === "string" && value.length > LONGEST_TEXT;

/** The values of a field as it was imported. */
function valuesIn(value: unknown): Scalar[] {
  if (Array.isArray(value)) return value.flatMap(valuesIn);
  if (typeof value === "number") return Number.isFinite(value) ? [value] : [];
  if (typeof value === "boolean") return [value];
  if (typeof value !== "string" || value === "") return [];
  if (value.length > LONGEST_TEXT) return [value.slice(0, LONGEST_TEXT + 1)];
  return value.includes("|") ? value.split("|").filter((part) => part !== "") : [value];
}

function codeOf({ dictionary, codeOf: codes }: Column, value: Scalar): number {
  let code = codes.get(value);
  if (code === undefined) {
    code = dictionary.length;
    dictionary.push(value);
    codes.set(value, code);
  }
  return code;
}

function columnOf(rows: readonly ItemFields[], name: string): Column {
  const offsets = new Int32Array(rows.length + 1);
  const codes: number[] = [];
  const base = { dictionary: [], codeOf: new Map(), offsets, codes: new Int32Array(0), changed: new Map() };
  for (const [row, fields] of rows.entries()) {
    for (const value of valuesIn(fields[name])) codes.push(codeOf(base, value));
    offsets[row + 1] = codes.length;
  }
  return { ...base, codes: Int32Array.from(codes) };
}
