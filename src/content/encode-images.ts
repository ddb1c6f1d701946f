/** @file Pictures through any image encoder that is an ONNX file. */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Dataset } from "../data/dataset.ts";
import type { FeatureHome, FeatureTable } from "../data/features.ts";
import { unreadable } from "../data/files.ts";
import { findImages } from "../data/images.ts";
import { withOutputs } from "../onnx/inspect.ts";
import type { Device } from "../runtime/device.ts";
import type { Session } from "../runtime/ort.ts";
import { openSession } from "../runtime/session.ts";
import { DataError } from "../tensor/errors.ts";
import type { Tensor } from "../tensor/spec.ts";
import { contentKey } from "./content-key.ts";
import { encodeRows } from "./encode-rows.ts";
import { placeToRecord, requireSameEncoder } from "./encoder-place.ts";
import { imageInput, notAnEncoder, portsOf } from "./image-input.ts";
import { pooledLayers, pooledOutput } from "./image-layers.ts";
import { type ImageInput, imageBytes, loadSharp, readImageFile } from "./images.ts";
import { layerNames } from "./layer-names.ts";
import type { NewItemFeatures } from "./new-items.ts";
import type { Outcome } from "./partial.ts";
import type { PlacePooling } from "./pooling.ts";
import { type OnProgress, progressOf, type TableReport } from "./report.ts";

export interface ImageOptions {
  readonly table: string;
  /** The folder of pictures; the dataset's own by default. */
  readonly directory?: string | undefined;
  /** An ONNX file. */
  readonly encoder: string;
  /** What the encoder's input does not say by its shape, or says wrongly. */
  readonly input?: Partial<ImageInput> | undefined;
  /** The states after every layer instead of the first output. */
  readonly hiddenStates?: boolean | undefined;
  /** How the states of a picture's places become one vector, where the encoder gives such. */
  readonly pooling?: PlacePooling | undefined;
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
    const { keys, unread } = await keysOf(paths, JSON.stringify(source), progressOf(table, onProgress));
    return await encodeRows(dataset, {
      table,
      source: { ...source, at: await placeToRecord(dataset, encoder) },
      keys,
      order: paths.flatMap((path, item) => (path === undefined ? [] : [item])),
      batch: model.batch,
      prepare: (items) => Promise.all(items.map((item) => unread.get(item) ?? model.read(paths[item]!))),
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
  const { options } = table.source as { readonly options: Pictures["source"]["options"] };
  const { width, height, layout, mean, deviation, pooling } = options;
  const model = await openPictures(
    place,
    { width, height, layout, mean, deviation },
    {
      threads,
      hiddenStates: table.source.layers !== undefined,
      pooling,
    },
  );
  try {
    requireSameEncoder(table, model.hash);
    requireSamePooling(table, pooling, model.source.options.pooling);
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
        const read = batch.map((at) => model.read(found.get(items[at]!.id)!));
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
    readonly options: ImageInput & { readonly model: string; readonly pooling?: PlacePooling };
    /** How many states a vector holds, where it holds those after every layer. */
    readonly layers?: number;
  };
  readonly batch: number;
  /** A picture file as input, or what is wrong with it. */
  read(path: string): Promise<Float32Array | string>;
  run(images: readonly (Float32Array | string)[]): Promise<Outcome[]>;
  dispose(): Promise<void>;
}

async function openPictures(
  encoder: string,
  options: Partial<ImageInput>,
  settings: Pick<ImageOptions, "threads" | "device" | "hiddenStates" | "pooling">,
): Promise<Pictures> {
  const { threads, device, hiddenStates = false, pooling = "mean" } = settings;
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
  const own: Encoder = { port, input, encoder, fixed, layers, pooling };
  const counted = layers.length > 0 ? { layers: layers.length } : {};
  const pooled = await isPooled(session, own).catch(async (error: unknown) => {
    await session.release();
    throw error;
  });
  return {
    hash,
    source: {
      encoder: basename(encoder),
      options: { ...input, model: hash, ...(pooled ? { pooling } : {}) },
      ...counted,
    },
    batch: fixed ?? BATCH,
    read: (path) => readImageFile(sharp, path, input),
    run: (images) => runBatch(session, own, images),
    dispose: () => session.release(),
  };
}

/** The keys of pictures, and by item what is wrong with those that cannot be read: it is their key, and their outcome. */
async function keysOf(
  paths: readonly (string | undefined)[],
  identity: string,
  progress: (step: string, done: number, total: number) => void,
) {
  const keys: (Uint8Array | undefined)[] = [];
  const unread = new Map<number, string>();
  for (const [item, path] of paths.entries()) {
    const bytes = path === undefined ? undefined : await imageBytes(path);
    if (typeof bytes === "string") unread.set(item, bytes);
    keys.push(bytes === undefined ? undefined : contentKey(identity, bytes));
    if (item % 256 === 255) progress("reading images", item + 1, paths.length);
  }
  return { keys, unread };
}

interface Encoder {
  readonly port: string;
  readonly input: ImageInput;
  readonly encoder: string;
  /** The number of pictures that the encoder takes at once, where it takes no other. */
  readonly fixed: number | undefined;
  /** The values that are the states after each layer, where those are asked for. */
  readonly layers: readonly string[];
  readonly pooling: PlacePooling;
}

/**
 * Whether the pooling is told in a table's source. It is not where it makes no difference, nor where earlier versions
 * have pooled the same way without telling it, so that their tables are still good.
 */
async function isPooled(session: Session, encoder: Encoder): Promise<boolean> {
  if (encoder.layers.length > 0) return encoder.pooling !== "mean";
  const { width, height, layout } = encoder.input;
  const outputs = await runImages(session, encoder, [new Float32Array(3 * width * height)]);
  const rows = encoder.fixed ?? 1;
  const first = Object.values(outputs)[0]!;
  const made = pooledOutput(first, rows, { ...encoder, layout });
  if (typeof made === "string") throw notAnEncoder(encoder.encoder, made);
  return made[0]!.length < first.data.length / rows;
}

/** @throws DataError where an earlier version has made a table of states that it did not pool */
function requireSamePooling(
  { name }: FeatureTable,
  before: PlacePooling | undefined,
  now: PlacePooling | undefined,
): void {
  if (before === now) return;
  const what = `features "${name}" were encoded by an earlier version, which left the states of all places side by side; encode and train again`;
  throw new DataError("not-pooled", what, { table: name });
}

/** One vector for each picture that could be read: the first output or the states after each layer, pooled. */
async function runBatch(
  session: Session,
  own: Encoder,
  images: readonly (Float32Array | string)[],
): Promise<Outcome[]> {
  const { layers, encoder, fixed, pooling, input } = own;
  const good = images.filter((image) => typeof image !== "string");
  if (good.length === 0) return images as string[];
  const outputs = await runImages(session, own, good);
  const rows = fixed ?? good.length;
  const states = layers.map((layer) => outputs[layer]!);
  const made =
    layers.length > 0
      ? pooledLayers(states, rows, pooling)
      : pooledOutput(Object.values(outputs)[0]!, rows, { pooling, layout: input.layout });
  if (typeof made === "string") throw notAnEncoder(encoder, made);
  let next = 0;
  return images.map((image) => {
    if (typeof image === "string") return image;
    const vector = made[next++]!;
    return vector.every(Number.isFinite) ? vector : "the encoder gives no finite numbers for this image";
  });
}

/** What the encoder makes of pictures; where it takes more at once, the others are zero. */
function runImages(
  session: Session,
  { port, input, fixed }: Encoder,
  images: readonly Float32Array[],
): Promise<Record<string, Tensor>> {
  const { width, height, layout } = input;
  const rows = fixed ?? images.length;
  const data = new Float32Array(rows * 3 * width * height);
  for (const [at, image] of images.entries()) data.set(image, at * image.length);
  const shape = layout === "nchw" ? [rows, 3, height, width] : [rows, height, width, 3];
  return session.run({ [port]: { data, shape } });
}
