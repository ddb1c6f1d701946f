/** @file Pictures through any image encoder that is an ONNX file. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import { unreadable } from "../data/files.ts";
import { findImages } from "../data/images.ts";
import { inspectOnnx, type OnnxPorts } from "../onnx/inspect.ts";
import type { Device } from "../runtime/device.ts";
import type { Session } from "../runtime/ort.ts";
import { openSession } from "../runtime/session.ts";
import { DataError } from "../tensor/errors.ts";
import { contentKey } from "./content-key.ts";
import { encodeRows } from "./encode-rows.ts";
import { type ImageInput, loadSharp, normalizations, readImage } from "./images.ts";
import type { Outcome } from "./partial.ts";
import { type OnProgress, progressOf, type TableReport } from "./report.ts";

export interface ImageOptions {
  readonly table: string;
  /** The folder of pictures; the dataset's own by default. */
  readonly directory?: string | undefined;
  /** An ONNX file. */
  readonly encoder: string;
  /** What the encoder's input does not say by its shape, or says wrongly. */
  readonly input?: Partial<ImageInput> | undefined;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Pictures that go through the encoder together. */
const BATCH = 32;

/** Encodes the items' pictures. @throws DataError where the file is no image encoder, or there are no pictures */
export async function encodeImages(dataset: Dataset, options: ImageOptions): Promise<TableReport> {
  const { table, encoder, threads, device, onProgress } = options;
  const directory = options.directory ?? dataset.manifest.images?.directory;
  if (directory === undefined) {
    const what = `${dataset.directory}: no folder of images is recorded; name it: --images FOLDER`;
    throw new DataError("no-images", what);
  }
  const bytes = await readFile(encoder).catch((error: unknown) => {
    throw unreadable(encoder, error);
  });
  const { port, input, fixed } = imageInput(encoder, bytes, options.input ?? {});
  const sharp = await loadSharp();
  const hash = createHash("sha256").update(bytes).digest("hex");
  const source = { encoder: basename(encoder), options: { ...input, model: hash } };
  const found = await findImages(directory);
  const paths = dataset.items.map((id) => found.get(id));
  const keys = await keysOf(paths, JSON.stringify(source), progressOf(table, onProgress));
  const session = await openSession(bytes, {}, { threads, device });
  try {
    return await encodeRows(dataset, {
      table,
      source,
      keys,
      order: paths.flatMap((path, item) => (path === undefined ? [] : [item])),
      batch: fixed ?? BATCH,
      prepare: (items) =>
        Promise.all(items.map(async (item) => readImage(sharp, await readFile(paths[item]!), input))),
      run: (images) => runBatch(session, { port, input, encoder, fixed }, images),
      onProgress,
    });
  } finally {
    await session.release();
  }
}

async function keysOf(
  paths: readonly (string | undefined)[],
  identity: string,
  progress: (step: string, done: number, total: number) => void,
): Promise<(Uint8Array | undefined)[]> {
  const keys: (Uint8Array | undefined)[] = [];
  for (const [item, path] of paths.entries()) {
    const bytes = path === undefined ? undefined : await readFile(path).catch(() => new Uint8Array());
    keys.push(bytes && contentKey(identity, bytes));
    if (item % 256 === 255) progress("reading images", item + 1, paths.length);
  }
  return keys;
}

interface Encoder {
  readonly port: string;
  readonly input: ImageInput;
  readonly encoder: string;
  /** The number of pictures that the encoder takes at once, where it takes no other. */
  readonly fixed: number | undefined;
}

/** One vector for each picture that could be read; the first output is flattened. */
async function runBatch(
  session: Session,
  { port, input, encoder, fixed }: Encoder,
  images: readonly (Float32Array | string)[],
): Promise<Outcome[]> {
  const { width, height, layout } = input;
  const good = images.filter((image) => typeof image !== "string");
  if (good.length === 0) return images as string[];
  const rows = fixed ?? good.length; // what is too many stays zero
  const data = new Float32Array(rows * 3 * width * height);
  for (const [at, image] of good.entries()) data.set(image, at * image.length);
  const shape = layout === "nchw" ? [rows, 3, height, width] : [rows, height, width, 3];
  const outputs = await session.run({ [port]: { data, shape } });
  const [first] = Object.values(outputs);
  const values = first!.data;
  if (!(values instanceof Float32Array) || first!.shape[0] !== rows) {
    throw notAnEncoder(encoder, `its output is [${first!.shape.join(", ")}] for ${rows} images`);
  }
  const dim = values.length / rows;
  let next = 0;
  return images.map((image) => {
    if (typeof image === "string") return image;
    const vector = values.slice(next * dim, (next + 1) * dim);
    next++;
    return vector.every(Number.isFinite) ? vector : "the encoder gives no finite numbers for this image";
  });
}

const notAnEncoder = (file: string, what: string): DataError =>
  new DataError("not-an-image-encoder", `${file}: this is no image encoder: ${what}`, { file });

/** The encoder's one input, and what its shape says: layout, and size where it is fixed. */
function imageInput(file: string, bytes: Uint8Array, options: Partial<ImageInput>) {
  const { inputs } = portsOf(file, bytes);
  const [only] = inputs;
  const shown = inputs.map(({ name, type, shape }) => `"${name}" ${type} [${shape.join(", ")}]`).join(", ");
  const wanted = "an image encoder takes one FLOAT [N, 3, height, width] or [N, height, width, 3]";
  if (only === undefined || inputs.length > 1 || only.type !== "FLOAT" || only.shape.length !== 4)
    throw notAnEncoder(file, `it takes ${shown}; ${wanted}`);
  const layout = options.layout ?? (only.shape[3] === 3 ? "nhwc" : "nchw");
  const [rows, columns] = layout === "nchw" ? [only.shape[2], only.shape[3]] : [only.shape[1], only.shape[2]];
  const colours = only.shape[layout === "nchw" ? 1 : 3];
  if (typeof colours === "number" && colours !== 3)
    throw notAnEncoder(file, `it takes ${shown}, whose ${colours} are not 3 colours; ${wanted}`);
  const size = (given: number | undefined, known: number | string | undefined, name: string): number => {
    if (given !== undefined && typeof known === "number" && given !== known)
      throw notAnEncoder(file, `its ${name} is ${known}, and ${given} is asked for`);
    return given ?? (typeof known === "number" ? known : DEFAULT_SIZE);
  };
  const input: ImageInput = {
    width: size(options.width, columns, "width"),
    height: size(options.height, rows, "height"),
    layout,
    mean: options.mean ?? normalizations.signed.mean,
    deviation: options.deviation ?? normalizations.signed.deviation,
  };
  const [batch] = only.shape;
  return { port: only.name, input, fixed: typeof batch === "number" ? batch : undefined };
}

/** Height and width where the encoder takes any. */
const DEFAULT_SIZE = 224;

function portsOf(file: string, bytes: Uint8Array): OnnxPorts {
  try {
    return inspectOnnx(bytes);
  } catch (error) {
    throw notAnEncoder(file, (error as Error).message);
  }
}
