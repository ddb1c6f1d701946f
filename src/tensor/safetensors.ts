/** @file Reading and writing the safetensors format: an 8-byte header length, a JSON header, raw little-endian data. */
import { DataError } from "./errors.ts";
import { arrayType, count, type DType, type Tensor } from "./spec.ts";

const names: Readonly<Record<string, DType>> = {
  F32: "float32",
  F64: "float64",
  I32: "int32",
  I64: "int64",
  U8: "uint8",
  BOOL: "bool",
};

function nameOf(tensor: Tensor): string {
  if (tensor.data instanceof Float32Array) return "F32";
  if (tensor.data instanceof Float64Array) return "F64";
  if (tensor.data instanceof Int32Array) return "I32";
  if (tensor.data instanceof BigInt64Array) return "I64";
  return "U8";
}

/** The bytes of a safetensors file one after the other: its header, then the memory of each tensor itself. */
export function safetensorsParts(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array[] {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const end = offset + tensor.data.byteLength;
    header[name] = { dtype: nameOf(tensor), shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(32);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  const data = Object.values(tensors).map(
    ({ data: { buffer, byteOffset, byteLength } }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  return [head, ...data];
}

/** Bytes of a safetensors file; `metadata` values are strings, as the format asks. */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const parts = safetensorsParts(tensors, metadata);
  const out = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

export interface SafetensorsFile {
  readonly tensors: Record<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: number[];
  readonly data_offsets: [number, number];
}

/** What a header says: each tensor's type, shape and first byte in the file. */
export interface SafetensorsHeader {
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: DType;
    readonly shape: readonly number[];
    readonly start: number;
  }[];
  readonly metadata: Readonly<Record<string, string>>;
}

const broken = (where: string, what: string): DataError =>
  new DataError(
    "bad-safetensors",
    `${where} is not a whole safetensors file: ${what}; restore it or write it again`,
    { where },
  );

/** Length of the header of a file of `size` bytes, from its first eight. @throws DataError */
export function headerLength(first: Uint8Array, size: number, where: string): number {
  if (first.byteLength < 8) throw broken(where, "it is shorter than its header");
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  if (length > size - 8) throw broken(where, "its header is cut short");
  return length;
}

/** Parses the header of a file of `size` bytes. @throws DataError where it is malformed or the file is too short for it */
export function parseHeader(header: Uint8Array, size: number, where: string): SafetensorsHeader {
  let parsed: Record<string, Entry | Record<string, string>> = {};
  try {
    parsed = JSON.parse(new TextDecoder().decode(header));
  } catch {
    throw broken(where, "its header is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null) throw broken(where, "its header is not an object");
  const { __metadata__: metadata = {}, ...entries } = parsed;
  const begin = 8 + header.byteLength;
  const tensors = Object.entries(entries as Record<string, Entry>).map(([name, entry]) => {
    if (!Array.isArray(entry?.shape) || !Array.isArray(entry.data_offsets))
      throw broken(where, `tensor "${name}" has no shape or place`);
    const dtype = names[entry.dtype];
    if (!dtype) throw broken(where, `tensor "${name}" has type ${entry.dtype}`);
    const [start, end] = entry.data_offsets;
    const bytes = count(entry.shape) * arrayType(dtype).BYTES_PER_ELEMENT;
    if (!(start >= 0) || end > size - begin || end - start !== bytes)
      throw broken(where, `tensor "${name}" is cut short`);
    return { name, dtype, shape: entry.shape, start: begin + start };
  });
  return { tensors, metadata: metadata as Record<string, string> };
}

/** Parses safetensors bytes. @throws DataError for a truncated or malformed file; `where` names it. */
export function readSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const length = headerLength(bytes.subarray(0, 8), bytes.byteLength, where);
  const { tensors, metadata } = parseHeader(bytes.subarray(8, 8 + length), bytes.byteLength, where);
  const read = tensors.map(({ name, dtype, shape, start }) => {
    const data = new (arrayType(dtype))(count(shape)); // aligned, and its own memory
    new Uint8Array(data.buffer).set(bytes.subarray(start, start + data.byteLength));
    return [name, { data, shape }] as const;
  });
  return { tensors: Object.fromEntries(read), metadata };
}
