/** @file A small world of films and models trained on it, for tests of what is served. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openDataset } from "../../data/dataset.ts";
import { writeFeatures } from "../../data/features.ts";
import { importInteractions } from "../../data/import.ts";
import { stream } from "../../tensor/random.ts";
import { train } from "../../training/train.ts";

const [items, width] = [30, 12];

/** The title of item i0: an attempt to be a script. */
export const hostileTitle = '<img src=x onerror="document.title=1">';

/**
 * Imports a world where item k + 1 follows item k: i0 … i29, of which every third is a comedy, with noise as text
 * features. Returns the dataset folder.
 */
export async function importFilms(folder: string, images?: string): Promise<string> {
  const log = ["user_id,item_id,timestamp"];
  for (let user = 0; user < 60; user++)
    for (let k = 0; k < 7; k++)
      log.push(`u${user},i${(user + k) % items},${1_600_000_000 + 86_400 * (user + k)}`);
  const films = Array.from({ length: items }, (_, k) =>
    JSON.stringify({
      item_id: `i${k}`,
      title: k === 0 ? hostileTitle : `Film ${k}`,
      genre: k % 3 === 2 ? "Comedy" : "Drama",
      year: 1990 + k,
      story: `A story. ${"It goes on. ".repeat(k)}`,
    }),
  );
  const [interactions, list, out] = ["log.csv", "items.jsonl", "data"].map((name) => join(folder, name));
  await writeFile(interactions!, `${log.join("\n")}\n`);
  await writeFile(list!, `${films.join("\n")}\n`);
  await importInteractions({ interactions: interactions!, items: list!, out: out!, images });
  const values = new Float32Array(items * width);
  stream(1, "text").fillNormal(values);
  const present = new Uint8Array(items).fill(1);
  await writeFeatures(await openDataset(out!), "text", { dim: width, values, present, source: {} });
  return out!;
}

export interface FilmRun {
  readonly data: string;
  /** The run folder to write. */
  readonly out: string;
  readonly recipe?: string;
  readonly set?: Readonly<Record<string, unknown>>;
}

/** Trains a small model of a recipe. */
export async function trainFilms({ data, out, recipe = "sasrec", set = {} }: FilmRun): Promise<void> {
  const settings = {
    "items.dim": 16,
    "training.maxLength": 8,
    "training.rowLength": 8,
    "training.batchTokens": 128,
    "training.epochs": 2,
    "training.threads": 1,
    "training.learningRate": 0.01,
    ...set,
  };
  const given = Object.entries(settings).map(([path, value]) => ({ path, value }));
  await train({ data, out, recipe, set: given });
}
