/** @file Files of tensors, read and written one tensor after the other, so that none is in memory twice. */
import { open } from "node:fs/promises";
import { DataError } from "../tensor/errors.ts";
import { headerLength, parseHeader, type SafetensorsFile, safetensorsParts } from "../tensor/safetensors.ts";
import { arrayType, count, type Tensor } from "../tensor/spec.ts";
import { unreadable, writeAtomic } from "./files.ts";

type File = Awaited<ReturnType<typeof open>>;

/** Writes a safetensors file, whole or not at all. */
export const writeTensors = (
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> => writeAtomic(path, safetensorsParts(tensors, metadata));

/** Reads a safetensors file, or only the tensors of some names. @throws DataError where it is missing or broken */
export async function readTensors(path: string, only?: readonly string[]): Promise<SafetensorsFile> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const { size } = await file.stat();
    const length = headerLength(await readBytes(file, path, 0, Math.min(8, size)), size, path);
    const { tensors, metadata } = parseHeader(await readBytes(file, path, 8, length), size, path);
    const read: Record<string, Tensor> = {};
    for (const { name, dtype, shape, start } of tensors) {
      if (only && !only.includes(name)) continue;
      const data = new (arrayType(dtype))(count(shape));
      await readInto(file, path, start, new Uint8Array(data.buffer));
      read[name] = { data, shape };
    }
    return { tensors: read, metadata };
  } catch (error) {
    throw error instanceof DataError ? error : unreadable(path, error);
  } finally {
    await file.close();
  }
}

async function readBytes(file: File, path: string, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  await readInto(file, path, from, bytes);
  return bytes;
}

/** The most bytes that are read at once: one call cannot give 2 GB or more. */
const stretch = 2 ** 28;

async function readInto(file: File, path: string, from: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const length = Math.min(stretch, bytes.byteLength - at);
    const { bytesRead } = await file.read(bytes, at, length, from + at);
    if (bytesRead === 0)
      throw new DataError("unreadable-file", `${path}: the file became shorter while it was read`, { path });
    at += bytesRead;
  }
}
