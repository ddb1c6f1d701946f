/** @file Encodes a dataset's contents into feature tables in its folder. */

import { type Dataset, type Item, readItems } from "../data/dataset.ts";
import type { Device } from "../runtime/device.ts";
import { ConfigError } from "../tensor/errors.ts";
import { encodeImages } from "./encode-images.ts";
import { encodeLike } from "./encode-like.ts";
import { encodeSentences } from "./encode-sentences.ts";
import { encodeTfidf } from "./encode-tfidf.ts";
import { encodeVectors } from "./encode-vectors.ts";
import type { ImageInput } from "./images.ts";
import { textColumns } from "./item-text.ts";
import type { PlacePooling, Pooling } from "./pooling.ts";
import type { OnProgress, TableReport } from "./report.ts";
import { tableHealth } from "./table-health.ts";

/** What is encoded, and how. Without `text`, `images` and `vectors` it is the text. */
export interface EncodeOptions {
  readonly text?: TextChoice | undefined;
  readonly images?: ImageChoice | undefined;
  /** A column that holds embeddings. */
  readonly vectors?: string | undefined;
  /** Name of the table, instead of "text", "image" or the column's; for one table only. */
  readonly outName?: string | undefined;
  readonly threads?: number | undefined;
  readonly device?: Device | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface TextChoice {
  /** Fields to read; every field that holds words by default. */
  readonly columns?: readonly string[] | undefined;
  /** The most dimensions of the built-in encoder. */
  readonly dim?: number | undefined;
  readonly seed?: number | undefined;
  /** A dataset folder: the built-in encoder is applied as it was fitted to the texts of that one, table by table. */
  readonly like?: string | undefined;
  /** A folder with tokenizer.json and an ONNX file, or a model of the Hugging Face hub, instead of the built-in encoder. */
  readonly encoder?: string | undefined;
  readonly pooling?: Pooling | undefined;
  /** The most tokens of a text; the model's own limit by default. */
  readonly maxTokens?: number | undefined;
  /** The states after every layer side by side, [layers × width], instead of the last ones. */
  readonly hiddenStates?: boolean | undefined;
}

export interface ImageChoice {
  /** The folder of pictures; the one that was recorded by the import by default. */
  readonly directory?: string | undefined;
  /** An ONNX file. */
  readonly encoder?: string | undefined;
  /** Size, layout and normalisation, where the encoder's input does not say them. */
  readonly input?: Partial<ImageInput> | undefined;
  /** The states after every layer side by side, [layers × width], instead of the output. */
  readonly hiddenStates?: boolean | undefined;
  /** How the states of places become one vector where the encoder gives such: the mean, or "cls", the first token. */
  readonly pooling?: Pooling | undefined;
}

/** Dimensions of the built-in text encoder. */
export const TEXT_DIM = 1024;

/**
 * Encodes what is asked for; what has not changed since the last time is not encoded again.
 *
 * @throws ConfigError, DataError where there is nothing to encode or an encoder is none
 */
export async function encode(dataset: Dataset, options: EncodeOptions): Promise<TableReport[]> {
  const { images, vectors, outName } = options;
  const text = options.text ?? (images === undefined && vectors === undefined ? {} : undefined);
  if (outName !== undefined && [text, images, vectors].filter((asked) => asked !== undefined).length > 1) {
    const what = `--out-name "${outName}" cannot name two tables; encode one after the other`;
    throw new ConfigError("one-name", what, { outName });
  }
  const pictured = images && { ...images, pooling: placePooling(images.pooling) };
  const items = await readItems(dataset);
  const reports: TableReport[] = [];
  if (vectors !== undefined)
    reports.push(await encodeVectors(dataset, items, { table: outName ?? vectors, column: vectors }));
  if (text !== undefined) reports.push(await encodeText(dataset, items, { ...options, text }));
  if (pictured !== undefined) reports.push(await encodePictures(dataset, { ...options, images: pictured }));
  const { threads } = options;
  return Promise.all(
    reports.map(async (report) =>
      report.encoded === 0
        ? report
        : { ...report, health: await tableHealth(dataset, items, { table: report.table, threads }) },
    ),
  );
}

type PictureOptions = EncodeOptions & {
  readonly images: ImageChoice & { readonly pooling: PlacePooling | undefined };
};

/** @throws ConfigError for the pooling of texts alone */
function placePooling(pooling: Pooling | undefined): PlacePooling | undefined {
  if (pooling !== "last") return pooling;
  const what = "a picture has no last token; choose --pooling mean or cls for images, or encode them alone";
  throw new ConfigError("no-last-token", what);
}

function encodePictures(dataset: Dataset, options: PictureOptions): Promise<TableReport> {
  const { encoder, directory, input, hiddenStates = false, pooling } = options.images;
  if (encoder === undefined) {
    const what = "images need an encoder, any ONNX file that takes pictures: --image-encoder FILE.onnx";
    throw new ConfigError("no-image-encoder", what);
  }
  const { threads, device, onProgress } = options;
  const table = options.outName ?? (hiddenStates ? "image-layers" : "image");
  const common = { table, hiddenStates, pooling, threads, device, onProgress };
  return encodeImages(dataset, { ...common, encoder, directory, input });
}

type TextOptions = EncodeOptions & { readonly text: TextChoice };

function encodeText(dataset: Dataset, items: readonly Item[], options: TextOptions): Promise<TableReport> {
  const { text, threads, device, onProgress } = options;
  const columns = textColumns(items, text.columns);
  const { encoder, pooling, maxTokens, hiddenStates = false, like } = text;
  const outName = options.outName ?? (hiddenStates ? "text-layers" : "text");
  if (like !== undefined) {
    refuseBesideLike(text);
    return encodeLike(dataset, items, { table: outName, columns, like, onProgress });
  }
  if (encoder !== undefined) {
    const common = { table: outName, columns, threads, device, onProgress };
    return encodeSentences(dataset, items, { ...common, encoder, pooling, maxTokens, hiddenStates });
  }
  if (pooling !== undefined || maxTokens !== undefined || hiddenStates) {
    const what = "pooling, tokens and hidden states are of a language model; name one with --text-encoder";
    throw new ConfigError("no-text-encoder", what);
  }
  const { dim = TEXT_DIM, seed = 1 } = text;
  return encodeTfidf(dataset, items, { table: outName, columns, dim, seed, threads, onProgress });
}

/** @throws ConfigError where settings are given that the other data set's table has decided */
function refuseBesideLike(text: TextChoice): void {
  const given = (["encoder", "dim", "seed"] as const).find((key) => text[key] !== undefined);
  if (given === undefined) return;
  const flag = given === "encoder" ? "--text-encoder" : `--${given}`;
  const what = `--like takes the encoder as ${text.like} has it; leave ${flag} out`;
  throw new ConfigError("beside-like", what, { given });
}
