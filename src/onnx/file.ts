/** @file ONNX files on disk, with the external data files beside them. Needs Node; readOnnx and writeOnnx do not. */
import { closeSync, existsSync, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { open, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize, sep } from "node:path";
import type { Graph } from "../graph/graph.ts";
import { DataError } from "../tensor/errors.ts";
import { quoted } from "./faults.ts";
import { type ReadOptions, readOnnx } from "./read.ts";
import type { ExternalRange, ReadExternal } from "./tensor.ts";
import { type WriteOptions, weightBytes, writeOnnx } from "./write.ts";

/**
 * The network in an ONNX file on disk. Of external data files, which must lie in the model's folder, only the bytes of
 * tensors that are computed with are read.
 *
 * @throws DataError for a file that cannot be read, is malformed, or is not supported
 */
export async function readOnnxFile(
  path: string,
  options: Omit<ReadOptions, "external"> = {},
): Promise<Graph> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => refuse(path, error));
  return readOnnx(bytes, { ...options, external: externalBeside(path) });
}

function refuse(path: string, { code, message }: NodeJS.ErrnoException): never {
  const reasons: Record<string, string> = {
    ENOENT: "there is no such file",
    EISDIR: "this is a folder; name the file in it",
    EACCES: "no permission to read this file",
    ERR_FS_FILE_TOO_LARGE: "the file is larger than the 2 GB that an ONNX file can hold",
  };
  throw new DataError("unreadable-file", `${path}: ${reasons[code ?? ""] ?? message}`, { path });
}

/** Reads external files in the folder of the model. A model that is a link may also have them where it points to. */
export function externalBeside(model: string): ReadExternal {
  const folders = [dirname(model), dirname(realpathSync(model))];
  return (location, range) => {
    const path = join(folders[0]!, location);
    const leaves = isAbsolute(location) || normalize(location).split(sep).includes("..");
    if (location === "" || location.includes("\0") || leaves || !within(path, folders))
      throw new DataError(
        "external-data",
        `readOnnx: the external file ${quoted(location)} is not in the folder of the model; only files there are read`,
        { location },
      );
    try {
      return bytesOf(path, range);
    } catch (error) {
      if (error instanceof DataError) throw error;
      return refuse(path, error as NodeJS.ErrnoException);
    }
  };
}

function within(path: string, folders: readonly string[]): boolean {
  if (!existsSync(path)) return true; // which is said when it is opened
  const real = realpathSync(path);
  return folders.some((folder) => real.startsWith(join(realpathSync(folder), sep)));
}

function bytesOf(path: string, { offset, length }: ExternalRange): Uint8Array {
  const file = openSync(path, "r");
  try {
    const found = fstatSync(file);
    if (found.isDirectory()) refuse(path, Object.assign(new Error(), { code: "EISDIR" }));
    const { size } = found;
    if (offset + length > size)
      throw new DataError(
        "external-data",
        `${path}: bytes ${offset} to ${offset + length} are asked for, but the file has ${size}`,
        { path },
      );
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const read = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
      if (read === 0)
        throw new DataError("external-data", `${path}: the file became shorter while it was read`);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

export interface WriteFileOptions extends Omit<WriteOptions, "external"> {
  /**
   * Whether the values of parameters go to a file of their own, called after the model with ".data" at the end; by
   * default those of more than 1 GB do. An ONNX file itself holds at most 2 GB.
   */
  readonly external?: boolean;
}

const alignment = 4096;
const smallest = 1024;

/** Writes an ONNX file, and where asked the file with its values beside it. @throws ConfigError as writeOnnx does */
export async function writeOnnxFile(
  graph: Graph,
  path: string,
  options: WriteFileOptions = {},
): Promise<void> {
  const { external = weightBytes(graph) > 2 ** 30, ...rest } = options;
  if (!external) return writeFile(path, writeOnnx(graph, rest));
  const location = `${basename(path)}.data`;
  const parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let end = 0;
  const place = (bytes: Uint8Array) => {
    if (bytes.length < smallest) return null;
    const offset = Math.ceil(end / alignment) * alignment;
    parts.push({ offset, bytes });
    end = offset + bytes.length;
    return { location, offset, length: bytes.length };
  };
  const model = writeOnnx(graph, { ...rest, external: place });
  const file = await open(join(dirname(path), location), "w");
  try {
    for (const { offset, bytes } of parts) await writeAll(file, bytes, offset);
  } finally {
    await file.close();
  }
  await writeFile(path, model);
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  bytes: Uint8Array,
  offset: number,
): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(
      bytes,
      done,
      Math.min(bytes.length - done, 2 ** 30),
      offset + done,
    );
    done += bytesWritten;
  }
}
