/** @file Pictures through any image encoder that is an ONNX file. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { FeatureHome, FeatureTable } from "../data/features.ts";
import { unreadable } from "../data/files.ts";
import { findImages } from "../data/images.ts";
import { inspectOnnx, type OnnxPorts, withOutputs } from "../onnx/inspect.ts";
import type { Device } from "../runtime/device.ts";
import type { Session } from "../runtime/ort.ts";
import { openSession } from "../runtime/session.ts";
import { DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { contentKey } from "./content-key.ts";
import { encodeRows } from "./encode-rows.ts";
import { placeToRecord, requireSameEncoder } from "./encoder-place.ts";
import { pooledLayers } from "./image-layers.ts";
import { type ImageInput, loadSharp, normalizations, readImage } from "./images.ts";
import { layerNames } from "./layer-names.ts";
import type { NewItemFeatures } from "./new-items.ts";
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
  /** The states after every layer, each the mean over places, instead of the first output. */
  readonly hiddenStates?: boolean | undefined;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Pictures that go through the encoder together. */
const BATCH = 32;

/** Encodes the items' pictures. @throws DataError where the file is no image encoder, or there are no pictures */
export async function encodeImages(dataset: Dataset, options: ImageOptions): Promise<TableReport> {
  const { table, encoder, onProgress } = options;
  const directory = options.directory ?? dataset.manifest.images?.directory;
  if (directory === undefined) {
    const what = `${dataset.directory}: no folder of images is recorded; name it: --images FOLDER`;
    throw new DataError("no-images", what);
  }
  const model = await openPictures(encoder, options.input ?? {}, options);
  try {
    const found = await findImages(directory);
    const paths = dataset.items.map((id) => found.get(id));
    const { source } = model;
    const keys = await keysOf(paths, JSON.stringify(source), progressOf(table, onProgress));
    return await encodeRows(dataset, {
      table,
      source: { ...source, at: await placeToRecord(dataset, encoder) },
      keys,
      order: paths.flatMap((path, item) => (path === undefined ? [] : [item])),
      batch: model.batch,
      prepare: (items) => Promise.all(items.map(async (item) => model.read(await readFile(paths[item]!)))),
      run: (images) => model.run(images),
      onProgress,
    });
  } finally {
    await model.dispose();
  }
}

/**
 * The encoder of a table, for pictures of new items, which are looked for by their ids in the folder of the dataset's
 * pictures. @throws DataError where it is not there or another one
 */
export async function reopenImages(
  { manifest }: FeatureHome,
  table: FeatureTable,
  { place, threads }: { readonly place: string; readonly threads?: number | undefined },
): Promise<NewItemFeatures> {
  const { options } = table.source as { readonly options: ImageInput };
  const { width, height, layout, mean, deviation } = options;
  const model = await openPictures(
    place,
    { width, height, layout, mean, deviation },
    {
      threads,
      hiddenStates: table.source.layers !== undefined,
    },
  );
  try {
    requireSameEncoder(table, model.hash);
  } catch (error) {
    await model.dispose();
    throw error;
  }
  const folder = manifest.images?.directory;
  return {
    async encode(items) {
      const found = folder === undefined ? new Map<string, string>() : await findImages(folder);
      const outcomes: Outcome[] = items.map(() => "the folder of pictures has none that is called by its id");
      const there = [...items.keys()].filter((at) => found.has(items[at]!.id));
      for (let from = 0; from < there.length; from += model.batch) {
        const batch = there.slice(from, from + model.batch);
        const read = batch.map(async (at) => model.read(await readFile(found.get(items[at]!.id)!)));
        const made = await model.run(await Promise.all(read));
        batch.forEach((at, k) => {
          outcomes[at] = made[k]!;
        });
      }
      return outcomes;
    },
    dispose: () => model.dispose(),
  };
}

/** An image encoder that is open. */
interface Pictures {
  /** SHA-256 of the file. */
  readonly hash: string;
  /** What a table's source says of it. */
  readonly source: {
    readonly encoder: string;
    readonly options: ImageInput & { readonly model: string };
    /** How many states a vector holds, where it holds those after every layer. */
    readonly layers?: number;
  };
  readonly batch: number;
  /** A picture file's bytes as input, or what is wrong with them. */
  read(bytes: Uint8Array): Promise<Float32Array | string>;
  run(images: readonly (Float32Array | string)[]): Promise<Outcome[]>;
  dispose(): Promise<void>;
}

async function openPictures(
  encoder: string,
  options: Partial<ImageInput>,
  { threads, device, hiddenStates = false }: Pick<ImageOptions, "threads" | "device" | "hiddenStates">,
): Promise<Pictures> {
  const bytes = await readFile(encoder).catch((error: unknown) => {
    throw unreadable(encoder, error);
  });
  const { port, input, fixed } = imageInput(encoder, bytes, options);
  const sharp = await loadSharp();
  const hash = createHash("sha256").update(bytes).digest("hex");
  const layers = hiddenStates ? layerNames(portsOf(encoder, bytes)) : [];
  if (hiddenStates && layers.length < 2)
    throw notAnEncoder(encoder, "its layers cannot be told by their names, so it has no hidden states");
  const session = await openSession(
    layers.length > 0 ? withOutputs(bytes, layers) : bytes,
    {},
    { threads, device },
  );
  const counted = layers.length > 0 ? { layers: layers.length } : {};
  return {
    hash,
    source: { encoder: basename(encoder), options: { ...input, model: hash }, ...counted },
    batch: fixed ?? BATCH,
    read: (file) => readImage(sharp, file, input),
    run: (images) => runBatch(session, { port, input, encoder, fixed, layers }, images),
    dispose: () => session.release(),
  };
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
  /** The values that are the states after each layer, where those are asked for. */
  readonly layers: readonly string[];
}

/** One vector for each picture that could be read: the first output, flattened, or the states after each layer. */
async function runBatch(
  session: Session,
  { port, input, encoder, fixed, layers }: Encoder,
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
  const made =
    layers.length > 0
      ? pooledLayers(
          layers.map((layer) => outputs[layer]!),
          rows,
        )
      : flattened(Object.values(outputs)[0]!, rows);
  if (typeof made === "string") throw notAnEncoder(encoder, made);
  let next = 0;
  return images.map((image) => {
    if (typeof image === "string") return image;
    const vector = made[next++]!;
    return vector.every(Number.isFinite) ? vector : "the encoder gives no finite numbers for this image";
  });
}

/** The rows of an output; a sentence where it has others. */
function flattened({ data, shape }: Tensor, rows: number): Float32Array[] | string {
  if (!(data instanceof Float32Array) || shape[0] !== rows)
    return `its output is [${shape.join(", ")}] for ${rows} images`;
  const dim = data.length / rows;
  return Array.from({ length: rows }, (_, row) => data.slice(row * dim, (row + 1) * dim));
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
