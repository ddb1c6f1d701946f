/**
 * @file Arithmetic on dimensions. An open dimension is written as a sum of products of names and of `floor(a/b)`,
 * `min(a,b)` and `max(a,b)`; equal dimensions are written alike, so that comparing two of them is comparing text.
 */

import { ShapeError } from "./errors.ts";

/** A known size, or a name such as "B" that is bound at run time; "B*50+1" is computed from names. */
export type Dim = number | string;

/** Values for dimension names. */
export type Bindings = Readonly<Record<string, number>>;

/** Coefficients by product of factors ("" is the constant). */
type Sum = Map<string, number>;

/** Products of sums grow fast; nothing that a network needs is written longer. */
const longest = 1000;

/** Splits at the separators that are outside brackets, keeping a leading sign with its part. */
function split(text: string, separators: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++;
    else if (text[i] === ")") depth--;
    else if (depth === 0 && i > start && separators.includes(text[i]!)) {
      parts.push(text.slice(start, i));
      start = text[i] === "-" ? i : i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

function parse(dim: Dim): Sum {
  if (typeof dim === "number") return new Map(dim === 0 ? [] : [["", dim]]);
  const sum: Sum = new Map();
  for (const term of split(dim, "+-")) {
    const negative = term.startsWith("-");
    const factors = split(negative ? term.slice(1) : term, "*");
    const known = factors.filter(isNumber).reduce((p, f) => p * Number(f), negative ? -1 : 1);
    accumulate(
      sum,
      factors
        .filter((f) => !isNumber(f))
        .sort()
        .join("*"),
      known,
    );
  }
  return sum;
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

function accumulate(sum: Sum, key: string, coefficient: number): void {
  const total = (sum.get(key) ?? 0) + coefficient;
  if (total === 0) sum.delete(key);
  else sum.set(key, total);
}

function format(sum: Sum): Dim {
  if (sum.size === 0) return 0;
  if (sum.size === 1 && sum.has("")) return sum.get("")!;
  const terms = [...sum].sort(([a], [b]) => Number(a === "") - Number(b === "") || (a < b ? -1 : 1));
  const shown = terms.map(([key, c]) => {
    const size = Math.abs(c);
    const product = key === "" ? String(size) : size === 1 ? key : `${key}*${size}`;
    return (c < 0 ? "-" : "+") + product;
  });
  return bounded(shown.join("").replace(/^\+/, ""));
}

/** @throws ShapeError where a dimension is too long to go on with */
function bounded(text: string): string {
  if (text.length <= longest) return text;
  throw new ShapeError(
    "dimension",
    `a dimension has become too long to compute with: ${text.slice(0, 60)}… (${text.length} letters); bind some of its names to numbers`,
  );
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  const sum = parse(a);
  for (const [key, c] of parse(b)) accumulate(sum, key, c);
  return format(sum);
}

export const subtractDims = (a: Dim, b: Dim): Dim => addDims(a, multiplyDims(b, -1));

/** Product of two dimensions; names multiply to "B*50". */
export function multiplyDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a * b;
  const sum: Sum = new Map();
  const right = parse(b);
  for (const [k1, c1] of parse(a)) {
    for (const [k2, c2] of right) {
      const factors = [k1, k2].filter((k) => k !== "").flatMap((k) => split(k, "*"));
      accumulate(sum, factors.sort().join("*"), c1 * c2);
    }
  }
  return format(sum);
}

/** The integer at or below a/b: terms that b divides come out of what is else written as floor(a/b). */
export function floorDivideDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return Math.floor(a / b);
  const by = parse(b);
  const [divisor] = by;
  if (a === b || !divisor || by.size > 1) return a === b ? 1 : `floor(${a}/${b})`;
  const quotient: Sum = new Map();
  const rest: Sum = new Map();
  for (const term of parse(a)) {
    const divided = dividedBy(term, divisor);
    if (divided) accumulate(quotient, ...divided);
    else accumulate(rest, ...term);
  }
  const left = format(rest);
  if (left === 0) return format(quotient);
  if (typeof left === "number" && typeof b === "number")
    return addDims(format(quotient), Math.floor(left / b));
  return addDims(format(quotient), `floor(${left}/${b})`);
}

type Term = [product: string, coefficient: number];

/** A term divided by another, or null where that leaves a remainder. */
function dividedBy([product, coefficient]: Term, [key, c]: Term): Term | null {
  const factors = product === "" ? [] : split(product, "*");
  for (const factor of key === "" ? [] : split(key, "*")) {
    const at = factors.indexOf(factor);
    if (at < 0) return null;
    factors.splice(at, 1);
  }
  return coefficient % c === 0 ? [factors.join("*"), coefficient / c] : null;
}

function extreme(name: "min" | "max"): (a: Dim, b: Dim) => Dim {
  return (a, b) => {
    const difference = subtractDims(a, b);
    if (typeof difference === "number") return difference <= 0 === (name === "min") ? a : b;
    return bounded(`${name}(${[a, b].map(String).sort().join(",")})`);
  };
}

/** The smaller of two dimensions; written as min(a,b) where that depends on the names. */
export const minDims = extreme("min");
/** The larger of two dimensions; written as max(a,b) where that depends on the names. */
export const maxDims = extreme("max");

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly Dim[]): Dim => shape.reduce<Dim>(multiplyDims, 1);

/** The names a dimension is computed from. */
export const namesOf = (dim: Dim): string[] =>
  typeof dim === "number" ? [] : [...dim.matchAll(/[A-Za-z_][\w.]*(?![\w.]*\()/g)].map(([name]) => name);

/** How the parts of a dimension are combined: by numbers when binding, by ONNX nodes when writing. */
export interface DimAlgebra<T> {
  number(value: number): T;
  name(name: string): T;
  add(a: T, b: T): T;
  multiply(a: T, b: T): T;
  floorDivide(a: T, b: T): T;
  min(a: T, b: T): T;
  max(a: T, b: T): T;
}

/** Computes a dimension in any algebra. */
export function foldDim<T>(dim: Dim, algebra: DimAlgebra<T>): T {
  if (typeof dim === "number") return algebra.number(dim);
  const terms = [...parse(dim)].map(([key, c]) => {
    const factors = key === "" ? [] : split(key, "*").map((f) => foldFactor(f, algebra));
    const product = factors.reduce<T | null>((p, f) => (p === null ? f : algebra.multiply(p, f)), null);
    if (product === null) return algebra.number(c);
    return c === 1 ? product : algebra.multiply(product, algebra.number(c));
  });
  return terms.reduce((a, b) => algebra.add(a, b));
}

function foldFactor<T>(factor: string, algebra: DimAlgebra<T>): T {
  const call = /^(floor|min|max)\((.*)\)$/.exec(factor);
  if (!call) return algebra.name(factor);
  const separator = call[1] === "floor" ? "/" : ",";
  const [a, b] = split(call[2]!, separator).map((part) => foldDim(simplest(part), algebra)) as [T, T];
  if (call[1] === "floor") return algebra.floorDivide(a, b);
  return call[1] === "min" ? algebra.min(a, b) : algebra.max(a, b);
}

const simplest = (text: string): Dim => format(parse(text));

const dimensions = (bindings: Bindings): DimAlgebra<Dim> => ({
  number: (value) => value,
  name: (name) => bindings[name] ?? name,
  add: addDims,
  multiply: multiplyDims,
  floorDivide: floorDivideDims,
  min: minDims,
  max: maxDims,
});

/** Replaces bound names by their values; unbound names stay. */
export const bindDim = (dim: Dim, bindings: Bindings): Dim =>
  typeof dim === "number" ? dim : foldDim(dim, dimensions(bindings));

export const bindShape = (shape: readonly Dim[], bindings: Bindings): Dim[] =>
  shape.map((d) => bindDim(d, bindings));
