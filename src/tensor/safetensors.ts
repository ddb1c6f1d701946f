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

/** Bytes of a safetensors file; `metadata` values are strings, as the format asks. */
export function writeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const end = offset + tensor.data.byteLength;
    header[name] = { dtype: nameOf(tensor), shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const bytes = new TextEncoder().encode(text);
  const padded = Math.ceil(bytes.length / 8) * 8;
  const out = new Uint8Array(8 + padded + offset).fill(32, 8 + bytes.length, 8 + padded);
  new DataView(out.buffer).setBigUint64(0, BigInt(padded), true);
  out.set(bytes, 8);
  let at = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
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

/** Parses safetensors bytes. @throws DataError for a truncated or malformed file; `where` names it. */
export function readSafetensors(bytes: Uint8Array, where: string): SafetensorsFile {
  const fail = (what: string): never => {
    throw new DataError(
      "bad-safetensors",
      `${where} is not a whole safetensors file: ${what}; restore it or write it again`,
      {
        where,
      },
    );
  };
  if (bytes.byteLength < 8) fail("it is shorter than its header");
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > bytes.byteLength - 8) fail("its header is cut short");
  let header: Record<string, Entry | Record<string, string>> = {};
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  } catch {
    fail("its header is not JSON");
  }
  if (typeof header !== "object" || header === null) fail("its header is not an object");
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors: Record<string, Tensor> = {};
  for (const [name, entry] of Object.entries(entries as Record<string, Entry>)) {
    const whole = Array.isArray(entry?.shape) && Array.isArray(entry.data_offsets);
    if (!whole) fail(`tensor "${name}" has no shape or place`);
    const dtype = names[entry.dtype] ?? fail(`tensor "${name}" has type ${entry.dtype}`);
    const [start, end] = entry.data_offsets;
    const Type = arrayType(dtype);
    const fits = start >= 0 && end <= bytes.byteLength - 8 - length;
    if (!fits || end - start !== count(entry.shape) * Type.BYTES_PER_ELEMENT)
      fail(`tensor "${name}" is cut short`);
    const copy = new Uint8Array(bytes.subarray(8 + length + start, 8 + length + end)); // aligned, and its own memory
    tensors[name] = { data: new Type(copy.buffer), shape: entry.shape };
  }
  return { tensors, metadata: metadata as Record<string, string> };
}
