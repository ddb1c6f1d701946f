/** @file Float64 host arrays: the arithmetic of the reference runtime, written for clarity, not for speed. */
import { broadcastShapes, count } from "./spec.ts";

/** A row-major array of float64; integers and booleans are held as numbers. */
export interface NdArray {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

export function ndarray(shape: readonly number[], fill: number | ((index: number) => number) = 0): NdArray {
  const data = new Float64Array(count(shape));
  if (typeof fill === "number") data.fill(fill);
  else for (let i = 0; i < data.length; i++) data[i] = fill(i);
  return { data, shape };
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Multi-index of a flat index. */
export function unravel(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  let rest = flat;
  for (let i = shape.length - 1; i >= 0; i--) {
    index[i] = rest % shape[i]!;
    rest = Math.floor(rest / shape[i]!);
  }
  return index;
}

export function ravel(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * shape[axis]! + i, 0);
}

/** Applies `f` to each element of the broadcast inputs. */
export function zipWith(f: (...values: number[]) => number, ...inputs: readonly NdArray[]): NdArray {
  const shape = broadcastShapes("reference", ...inputs.map((x) => x.shape)) as number[];
  const maps = inputs.map((x) => broadcastIndex(x.shape, shape));
  return ndarray(shape, (i) => f(...inputs.map((x, k) => x.data[maps[k]!(i)]!)));
}

/** A function from a flat index of `to` to the flat index of the broadcast operand of shape `from`. */
export function broadcastIndex(from: readonly number[], to: readonly number[]): (flat: number) => number {
  const strides = stridesOf(from);
  const lead = to.length - from.length;
  return (flat) => {
    const index = unravel(flat, to);
    return from.reduce((p, d, axis) => p + (d === 1 ? 0 : index[axis + lead]! * strides[axis]!), 0);
  };
}

/** Folds the given axes; `keep` keeps them with size 1. */
export function reduce(
  x: NdArray,
  axes: readonly number[],
  keep: boolean,
  start: number,
  f: (accumulated: number, value: number) => number,
): NdArray {
  const kept = x.shape.map((d, a) => (axes.includes(a) ? 1 : d));
  const out = ndarray(kept, start);
  const map = broadcastIndex(kept, x.shape);
  for (let i = 0; i < x.data.length; i++) out.data[map(i)] = f(out.data[map(i)]!, x.data[i]!);
  return keep ? out : { data: out.data, shape: x.shape.filter((_, a) => !axes.includes(a)) };
}
