/** @file Contents known while reading: constants, and shapes whose sizes may still be names. */
import { evaluate } from "../graph/evaluate.ts";
import { Graph, type Value } from "../graph/graph.ts";
import {
  addDims,
  type Dim,
  floorDivideDims,
  maxDims,
  minDims,
  multiplyDims,
  subtractDims,
} from "../tensor/dims.ts";
import { ShapeError } from "../tensor/errors.ts";
import { broadcastIndex } from "../tensor/ndarray.ts";
import { broadcastShapes, count, type DType, isFloat } from "../tensor/spec.ts";

/** A tensor whose contents are known; elements of integer tensors may be open dimensions. */
export interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly Dim[];
}

export const known = (dtype: DType, shape: readonly number[], values: ArrayLike<Dim>): Known => ({
  dtype,
  shape,
  values: Array.from(values),
});

export const isOpen = ({ values }: Known): boolean => values.some((v) => typeof v === "string");

/** Open dimensions stand in computations on numbers as codes far above any size. */
const codes = 2 ** 44;

/**
 * Runs a traced computation on contents instead of values. Open dimensions may be moved by it, not computed with: they
 * go through as codes.
 */
export function fold(
  inputs: readonly (Known | null)[],
  traceIn: (graph: Graph, values: readonly (Value | null)[]) => readonly Value[],
): Known[] {
  const graph = new Graph();
  const symbols: string[] = [];
  const encode = (v: Dim): number => {
    if (typeof v === "number") return v;
    if (!symbols.includes(v)) symbols.push(v);
    return codes + symbols.indexOf(v);
  };
  const contents = new Map();
  const values = inputs.map((x, i) => {
    if (!x) return null;
    const value = graph.input(`x${i}`, { dtype: x.dtype, shape: x.shape });
    contents.set(value, { data: Float64Array.from(x.values, encode), shape: x.shape });
    return value;
  });
  const outputs = traceIn(graph, values);
  const missing = () => new ShapeError("fold", "a content is missing");
  return evaluate(outputs, contents, {}, missing).map(({ data, shape }, i) => {
    const decoded = Array.from(data, (v) => (v >= codes && symbols[v - codes] ? symbols[v - codes]! : v));
    return known(outputs[i]!.dtype, shape, decoded);
  });
}

type Arithmetic = (a: Dim, b: Dim, dtype: DType) => Dim | null;

const decided = (a: Dim, b: Dim, test: (a: number, b: number) => boolean): Dim | null => {
  const difference = subtractDims(a, b);
  if (typeof difference === "number") return Number(test(difference, 0));
  // A size is never negative, so that it can be told from the −1 that stands for "to be inferred".
  const [x, y] = [a, b].map((v) => (typeof v === "number" ? v : 0)) as [number, number];
  return Math.min(x, y) < 0 ? Number(test(x, y)) : null;
};

/** Elementwise ONNX operators on open dimensions; null where the result depends on the sizes to come. */
const arithmetic: Readonly<Record<string, Arithmetic>> = {
  Add: addDims,
  Sub: subtractDims,
  Mul: multiplyDims,
  Div: (a, b, dtype) => (isFloat(dtype) || b === 0 ? null : floorDivideDims(a, b)),
  Min: minDims,
  Max: maxDims,
  Equal: (a, b) => decided(a, b, (x, y) => x === y),
  Greater: (a, b) => decided(a, b, (x, y) => x > y),
  GreaterOrEqual: (a, b) => decided(a, b, (x, y) => x >= y),
  Less: (a, b) => decided(a, b, (x, y) => x < y),
  LessOrEqual: (a, b) => decided(a, b, (x, y) => x <= y),
};

const comparisons = new Set(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]);

/** The result of a binary elementwise operator on contents that hold open dimensions, if it can be known. */
export function foldArithmetic(type: string, inputs: readonly (Known | null)[]): Known | null {
  const rule = arithmetic[type];
  const [a, b] = inputs;
  if (!rule || !a || !b || inputs.length !== 2) return null;
  const shape = broadcastShapes(type, a.shape, b.shape) as number[];
  const [left, right] = [broadcastIndex(a.shape, shape), broadcastIndex(b.shape, shape)];
  const values: Dim[] = [];
  for (let i = 0; i < count(shape); i++) {
    const v = rule(a.values[left(i)]!, b.values[right(i)]!, a.dtype);
    if (v === null) return null;
    values.push(v);
  }
  return known(comparisons.has(type) ? "bool" : a.dtype, shape, values);
}
