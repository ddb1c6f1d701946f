/** @file Pictures as numbers: decoded, resized and laid out as an encoder wants them. */

import { readFile } from "node:fs/promises";
import { systemCode } from "../data/files.ts";
import { ConfigError } from "../tensor/errors.ts";

/** How a picture's bytes become an encoder's input. */
export interface ImageInput {
  readonly width: number;
  readonly height: number;
  /** "nchw": a plane for each colour; "nhwc": the colours of a point side by side. */
  readonly layout: "nchw" | "nhwc";
  /** value = (byte / 255 − mean) / deviation, for red, green and blue. */
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** The usual values of `mean` and `deviation`. */
export const normalizations = {
  /** −1 to 1: (byte − 128) / 128. */
  signed: { mean: [128 / 255, 128 / 255, 128 / 255], deviation: [128 / 255, 128 / 255, 128 / 255] },
  /** 0 to 1. */
  unit: { mean: [0, 0, 0], deviation: [1, 1, 1] },
  imagenet: { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  clip: { mean: [0.48145466, 0.4578275, 0.40821073], deviation: [0.26862954, 0.26130258, 0.27577711] },
} as const satisfies Record<string, Pick<ImageInput, "mean" | "deviation">>;

/** More points than any encoder looks at, and enough to fill the memory. */
const MOST_POINTS = 40e6;

type Sharp = typeof import("sharp")["default"];

/** The package that decodes pictures. @throws ConfigError where it is not installed */
export async function loadSharp(): Promise<Sharp> {
  try {
    return (await import("sharp")).default;
  } catch {
    const what = "pictures are decoded by the package sharp, which is not installed; run: npm install sharp";
    throw new ConfigError("no-sharp", what);
  }
}

/** What the system's codes say of a picture file. */
const unreadable: Readonly<Record<string, string>> = {
  EISDIR: "this is a folder, not an image",
  ENOENT: "the image is no longer there",
  EACCES: "there is no permission to read the image",
  EPERM: "there is no permission to read the image",
};

/** A picture file's bytes, or a sentence on why they cannot be read, which a service may tell: it names no path. */
export async function imageBytes(path: string): Promise<Uint8Array | string> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = systemCode(error);
    return unreadable[code ?? ""] ?? `the image cannot be read (${code ?? "unknown error"})`;
  }
}

/** A picture file as an encoder's input, or a sentence on what is wrong with it. */
export async function readImageFile(
  sharp: Sharp,
  path: string,
  input: ImageInput,
): Promise<Float32Array | string> {
  const bytes = await imageBytes(path);
  return typeof bytes === "string" ? bytes : readImage(sharp, bytes, input);
}

/** A picture file's bytes as an encoder's input, or a sentence on what is wrong with it; the aspect ratio is not kept. */
export async function readImage(
  sharp: Sharp,
  bytes: Uint8Array,
  input: ImageInput,
): Promise<Float32Array | string> {
  try {
    const image = sharp(bytes, { failOn: "error", limitInputPixels: false });
    const { width, height, pages } = await image.metadata();
    const points = width * height;
    if (points > MOST_POINTS) {
      return `the image has ${(points / 1e6).toFixed(1)} megapixels, which is more than ${MOST_POINTS / 1e6}; make it smaller`;
    }
    const first = pages === undefined || pages === 1 ? image : sharp(bytes, { failOn: "error", page: 0 });
    const { data, info } = await first
      .rotate() // as the camera was held
      .flatten({ background: "white" })
      .toColourspace("srgb")
      .resize(input.width, input.height, { fit: "fill", kernel: "cubic" })
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return laidOut(data, info.channels, input);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    return `this is not an image that can be read (${reason})`;
  }
}

function laidOut(
  data: Uint8Array,
  channels: number,
  { width, height, layout, mean, deviation }: ImageInput,
): Float32Array {
  const points = width * height;
  const values = new Float32Array(3 * points);
  for (let c = 0; c < 3; c++) {
    const from = channels < 3 ? 0 : c; // grey: three equal colours
    const scale = 1 / (255 * deviation[c]!);
    const shift = mean[c]! / deviation[c]!;
    for (let i = 0; i < points; i++) {
      const to = layout === "nchw" ? c * points + i : 3 * i + c;
      values[to] = data[i * channels + from]! * scale - shift;
    }
  }
  return values;
}
