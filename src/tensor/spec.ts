/** @file Element types, dimensions and tensor specifications: what is known about a tensor before it exists. */
import { type Bindings, bindDim, bindShape, type Dim, multiplyDims, sizeOf } from "./dims.ts";
import { ShapeError } from "./errors.ts";

export { type Bindings, bindDim, bindShape, type Dim, multiplyDims, sizeOf };

/** Element types the engine handles; `bool` is held in a Uint8Array of 0 and 1. */
export type DType = "float32" | "float64" | "int32" | "int64" | "uint8" | "bool";

export type Shape = readonly Dim[];

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A tensor in memory, row-major. */
export interface Tensor {
  readonly data: TensorData;
  readonly shape: readonly number[];
}

const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Bytes of one element. */
export const elementBytes: Readonly<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  int64: 8,
  uint8: 1,
  bool: 1,
};

/** The typed array class that holds elements of `dtype`. */
export function arrayType(dtype: DType): (typeof arrayTypes)[DType] {
  return arrayTypes[dtype];
}

export const f32 = (...shape: Dim[]): TensorSpec => ({ dtype: "float32", shape });
export const i32 = (...shape: Dim[]): TensorSpec => ({ dtype: "int32", shape });
export const bool = (...shape: Dim[]): TensorSpec => ({ dtype: "bool", shape });

export const isFloat = (dtype: DType): boolean => dtype === "float32" || dtype === "float64";

/** "f32[B, 50, 64]". */
export function formatSpec(spec: TensorSpec): string {
  const short = { float32: "f32", float64: "f64", int32: "i32", int64: "i64", uint8: "u8", bool: "bool" };
  return `${short[spec.dtype]}${formatShape(spec.shape)}`;
}

export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** Number of elements of a fully known shape. */
export function count(shape: readonly number[]): number {
  return shape.reduce((p, d) => p * d, 1);
}

/** A shape with every dimension known. @throws ShapeError for a name that is not bound. */
export function knownShape(shape: Shape, where: string): number[] {
  return shape.map((d) => {
    if (typeof d === "number") return d;
    throw new ShapeError(
      "unbound-dimension",
      `${where}: dimension "${d}" of ${formatShape(shape)} is not bound`,
      {
        dimension: d,
      },
    );
  });
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** Shape of an elementwise result (NumPy broadcasting). @throws ShapeError where sizes differ and none is 1. */
export function broadcastShapes(where: string, ...shapes: Shape[]): Dim[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    let size: Dim = 1;
    for (const shape of shapes) {
      const d = shape[shape.length - rank + i] ?? 1;
      if (d === 1 || d === size) continue;
      if (size !== 1) {
        const shown = shapes.map(formatShape).join(" and ");
        throw new ShapeError("broadcast", `${where}: shapes ${shown} do not broadcast (${size} ≠ ${d})`, {
          shapes,
        });
      }
      size = d;
    }
    return size;
  });
}

/** A non-negative axis for a possibly negative one. */
export function normalizeAxis(axis: number, rank: number, where: string): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank) {
    throw new ShapeError("axis", `${where}: axis ${axis} is outside a tensor of rank ${rank}`, {
      axis,
      rank,
    });
  }
  return a;
}

const [lowest, highest] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The integer at a number, within int64; 0 for what is no number. */
export function toInt64(v: number): bigint {
  if (Number.isNaN(v)) return 0n;
  if (Math.abs(v) < 2 ** 63) return BigInt(Math.trunc(v));
  return v < 0 ? lowest : highest;
}

/** Numbers as a typed array of the given element type; integers are truncated, and stay within int64. */
export function typed(dtype: DType, values: ArrayLike<number>): TensorData {
  if (dtype === "int64") return BigInt64Array.from(Array.from(values), toInt64);
  return Reflect.construct(arrayTypes[dtype], [Array.from(values)]) as TensorData;
}

/** Elements of any typed array as float64. */
export const numbers = (data: TensorData): Float64Array =>
  Float64Array.from(data as ArrayLike<number | bigint>, Number);
