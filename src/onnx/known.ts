/** @file Contents known while reading: constants, and shapes whose sizes may still be names. */
import { evaluate } from "../graph/evaluate.ts";
import { Graph, reachableNodes, type Value } from "../graph/graph.ts";
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
import { broadcastIndex, type NdArray } from "../tensor/ndarray.ts";
import { broadcastShapes, count, type DType, isFloat, knownShape } from "../tensor/spec.ts";

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

/** What computing while reading may still cost. */
export interface Budget {
  /** Elements, over all nodes. */
  left: number;
}

/** Elements of one tensor up to which contents are computed with, and those of one file together. */
export const most = { float: 4096, integer: 65536, inAll: 2 ** 22 } as const;

export const newBudget = (): Budget => ({ left: most.inAll });

function affords(budget: Budget, sizes: readonly number[]): boolean {
  const total = sizes.reduce((a, b) => a + b, 0);
  if (!(total <= budget.left) || sizes.some((size) => size > most.integer)) return false;
  budget.left -= total;
  return true;
}

/** Open dimensions stand in computations on numbers as codes, where contents and sizes do not come. */
const codes = { first: 2 ** 52, last: 2 ** 52 + 2 ** 20 } as const;

/**
 * Runs a traced computation on contents instead of values; null where that would cost too much, or where float64 does
 * not hold the result. Open dimensions may be moved by it, not computed with: they go through as codes.
 *
 * @throws ShapeError where the shape of a result is open
 */
export function fold(
  inputs: readonly (Known | null)[],
  budget: Budget,
  traceIn: (graph: Graph, values: readonly (Value | null)[]) => readonly Value[],
): Known[] | null {
  const graph = new Graph();
  const symbols = new Map<string, number>();
  const encode = (v: Dim): number => {
    if (typeof v === "number") return v;
    if (!symbols.has(v)) symbols.set(v, codes.first + symbols.size);
    return symbols.get(v)!;
  };
  const contents = new Map<Value, NdArray>();
  const values = inputs.map((x, i) => {
    if (!x) return null;
    const value = graph.input(`x${i}`, { dtype: x.dtype, shape: x.shape });
    contents.set(value, { data: Float64Array.from(x.values, encode), shape: x.shape });
    return value;
  });
  if (inputs.some((x) => x?.values.some((v) => Number(v) >= codes.first && Number(v) <= codes.last)))
    return null;
  const outputs = traceIn(graph, values);
  const made = reachableNodes(graph, outputs).flatMap((node) => node.outputs);
  if (!affords(budget, made.map((y) => count(knownShape(y.shape, y.node!.op.name))))) return null; // biome-ignore format: one line
  const missing = () => new ShapeError("fold", "a content is missing");
  const names = new Map([...symbols].map(([symbol, code]) => [code, symbol]));
  const results = evaluate(outputs, contents, {}, missing).map(({ data, shape }, i) =>
    known(
      outputs[i]!.dtype,
      shape,
      Array.from(data, (v) => names.get(v) ?? v),
    ),
  );
  return results.every(isHeld) ? results : null;
}

const ranges: Partial<Record<DType, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 255],
  bool: [0, 1],
};

/** Whether the numbers are what integer arithmetic of that type gives. */
function isHeld({ dtype, values }: Known): boolean {
  if (isFloat(dtype)) return true;
  const [low, high] = ranges[dtype] ?? [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  const fits = (v: number): boolean => Number.isInteger(v) && v >= low && v <= high;
  return values.every(
    (v) => typeof v === "string" || fits(v) || (dtype === "int64" && Math.abs(v) === 2 ** 63),
  );
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
  Mod: (a, b, dtype) =>
    isFloat(dtype) || b === 0 ? null : subtractDims(a, multiplyDims(b, floorDivideDims(a, b))),
  Min: minDims,
  Max: maxDims,
  Equal: (a, b) => decided(a, b, (x, y) => x === y),
  Greater: (a, b) => decided(a, b, (x, y) => x > y),
  GreaterOrEqual: (a, b) => decided(a, b, (x, y) => x >= y),
  Less: (a, b) => decided(a, b, (x, y) => x < y),
  LessOrEqual: (a, b) => decided(a, b, (x, y) => x <= y),
};

const comparisons = new Set(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]);

/** The result of an elementwise operator on contents that hold open dimensions, if it can be known. */
export function foldArithmetic(
  type: string,
  inputs: readonly (Known | null)[],
  budget: Budget,
): Known | null {
  if (type === "Neg") return foldArithmetic("Sub", [zeroLike(inputs[0]), inputs[0] ?? null], budget);
  const rule = arithmetic[type];
  const [a, b] = inputs;
  if (!rule || !a || !b || inputs.length !== 2) return null;
  if (!isWhole(a) || !isWhole(b)) return null;
  const shape = broadcastShapes(type, a.shape, b.shape) as number[];
  if (!affords(budget, [count(shape)])) return null;
  const [left, right] = [broadcastIndex(a.shape, shape), broadcastIndex(b.shape, shape)];
  const values: Dim[] = [];
  for (let i = 0; i < count(shape); i++) {
    const v = rule(a.values[left(i)]!, b.values[right(i)]!, a.dtype);
    if (v === null) return null;
    values.push(v);
  }
  return known(comparisons.has(type) ? "bool" : a.dtype, shape, values);
}

const zeroLike = (x: Known | null | undefined): Known | null => (x ? known(x.dtype, [], [0]) : null);

const isWhole = ({ values }: Known): boolean =>
  values.every((v) => typeof v === "string" || Number.isSafeInteger(v));

const totals: Readonly<Record<string, (a: Dim, b: Dim) => Dim>> = {
  ReduceSum: addDims,
  ReduceProd: multiplyDims,
  ReduceMax: maxDims,
  ReduceMin: minDims,
};

/** The reduction of a whole vector that holds open dimensions, if it can be known. */
export function foldVector(type: string, x: Known, keep: boolean): Known | null {
  const rule = totals[type];
  if (!rule || x.shape.length !== 1 || !isWhole(x)) return null;
  return known(x.dtype, keep ? [1] : [], [x.values.reduce(rule)]);
}
