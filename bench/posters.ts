/** @file Film posters with their genres, prepared for an image encoder. */
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import sharp from "sharp";
import { stream } from "../src/tensor/random.ts";
import type { Tensor } from "../src/tensor/spec.ts";

/** Side of a picture in places. */
export const side = 224;
const places = side * side;

export interface Posters {
  readonly genres: readonly string[];
  /** Bytes [N, 3, 224, 224]. */
  readonly pictures: readonly Uint8Array[];
  /** 0 or 1, one row [18] for each picture. */
  readonly labels: readonly Float32Array[];
}

interface Film {
  readonly item_id: string;
  readonly genres: readonly string[];
  readonly image: string | null;
}

async function readFilms(folder: string): Promise<Film[]> {
  const films: Film[] = [];
  const lines = createInterface({
    input: createReadStream(join(folder, "items.jsonl.gz")).pipe(createGunzip()),
  });
  for await (const line of lines) films.push(JSON.parse(line));
  return films.filter(({ image }) => image !== null && existsSync(join(folder, "images", image)));
}

/** A picture of 224 × 224 places (its shape is not kept), as planes of red, green and blue. */
export async function readPicture(file: string): Promise<Uint8Array> {
  const pixels = await sharp(file)
    .toColourspace("srgb")
    .removeAlpha()
    .resize(side, side, { fit: "fill", kernel: "cubic" })
    .raw()
    .toBuffer();
  const planes = new Uint8Array(3 * places);
  for (let i = 0; i < places; i++) for (let c = 0; c < 3; c++) planes[c * places + i] = pixels[3 * i + c]!;
  return planes;
}

/** So many films with posters, drawn by a seed. */
export async function readPosters(folder: string, count: number, seed: number): Promise<Posters> {
  const films = await readFilms(folder);
  const genres = [...new Set(films.flatMap((film) => film.genres))].sort();
  const random = stream(seed, "posters");
  const drawn = films
    .map((film) => ({ film, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ film }) => film);
  const pictures: Uint8Array[] = [];
  for (const { image } of drawn) pictures.push(await readPicture(join(folder, "images", image!)));
  return {
    genres,
    pictures,
    labels: drawn.map((film) => Float32Array.from(genres, (g) => Number(film.genres.includes(g)))),
  };
}

/** What the encoder takes: (byte − 128)/128, [B, 3, 224, 224]. */
export function pictureBatch(pictures: readonly Uint8Array[]): Tensor {
  const data = new Float32Array(pictures.length * 3 * places);
  pictures.forEach((bytes, b) => {
    for (let i = 0; i < bytes.length; i++) data[b * bytes.length + i] = (bytes[i]! - 128) / 128;
  });
  return { data, shape: [pictures.length, 3, side, side] };
}
