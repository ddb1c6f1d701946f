/** @file NumPy's .npy files: a header in Python's notation, then raw numbers (NumPy enhancement proposal 1). */

import { DataError } from "../tensor/errors.ts";

/** A matrix [rows, dim], row after row. */
export interface Matrix {
  readonly rows: number;
  readonly dim: number;
  readonly values: Float32Array;
}

type Reader = (view: DataView, at: number, little: boolean) => number;

const readers: Readonly<Record<string, readonly [bytes: number, read: Reader]>> = {
  f2: [2, (view, at, little) => half(view.getUint16(at, little))],
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => Number(view.getBigInt64(at, little))],
  u1: [1, (view, at) => view.getUint8(at)],
  b1: [1, (view, at) => view.getUint8(at)],
};

/** The number that 16 bits stand for (IEEE 754 binary16). */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Parses a .npy file of one or two axes. @throws DataError where it is none, is cut short, or holds no numbers */
export function readNpy(bytes: Uint8Array, path: string): Matrix {
  const broken = (what: string) =>
    new DataError("bad-npy", `${path}: this is no .npy file of a matrix of numbers: ${what}`, { path });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes.byteLength < 12 || bytes[0] !== 0x93 || magic !== "NUMPY")
    throw broken("it does not begin as one");
  const wide = bytes[6]! > 1;
  const start = wide ? 12 : 10;
  const begin = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder("latin1").decode(bytes.subarray(start, begin));
  const type = /'descr':\s*'([<>|=]?)(\w+)'/.exec(header);
  const shape = /'shape':\s*\(([^)]*)\)/
    .exec(header)?.[1]
    ?.split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  if (type === null || shape === undefined) throw broken("its header has no type or shape");
  const [size, read] = readers[type[2]!] ?? [];
  if (size === undefined || read === undefined) throw broken(`its element type is ${type[1]}${type[2]}`);
  if (shape.length === 0 || shape.length > 2) throw broken(`its shape is (${shape.join(", ")})`);
  const [rows, dim] = [shape[0]!, shape[1] ?? 1];
  if (bytes.byteLength - begin < rows * dim * size) throw broken("it is cut short");
  const columnsFirst = /'fortran_order':\s*True/.test(header);
  const values = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < dim; c++) {
      const element = columnsFirst ? c * rows + row : row * dim + c;
      values[row * dim + c] = read(view, begin + element * size, type[1] !== ">");
    }
  }
  return { rows, dim, values };
}
