/** @file A small world whose items are known by what is written of them, and runs in it, for tests. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "../../content/encode.ts";
import { openDataset } from "../../data/dataset.ts";
import { importInteractions } from "../../data/import.ts";
import { openRetriever } from "../../training/open-retriever.ts";
import { openScorer } from "../../training/open-scorer.ts";
import { train } from "../../training/train.ts";
import { type OpenRecommenderOptions, openRecommender } from "../open-recommender.ts";
import type { Recommender } from "../recommender.ts";

/** Kind k + 1 (mod 8) always follows kind k. */
const kinds = [
  "red leather shoes",
  "blue cotton hat",
  "green jasmine tea",
  "steel kitchen knife",
  "wooden garden chair",
  "silver table lamp",
  "yellow rain coat",
  "glass water bottle",
] as const;
const copies = 8;

/** The title of an item of a kind, and its id. */
export const titleOf = (kind: number, copy: number): string => `${kinds[kind]} model ${copy}`;
export const idOf = (kind: number, copy: number): string => `k${kind}-${copy}`;

export interface ContentWorld {
  readonly folder: string;
  readonly data: string;
  /** Trains a run of that name, once; sasrec-text whose items are known by their texts alone, unless told otherwise. */
  run(name: string, options?: RunOptions): Promise<string>;
  open(run: string, options?: Partial<OpenRecommenderOptions>): Promise<Recommender>;
  remove(): Promise<void>;
}

export interface RunOptions {
  readonly recipe?: string;
  readonly set?: Readonly<Record<string, unknown>>;
}

const settings = {
  "items.dim": 16,
  "training.maxLength": 8,
  "training.rowLength": 16,
  "training.batchTokens": 128,
  "training.learningRate": 0.01,
  "training.threads": 1,
  "training.epochs": 6,
  "backbone.dropout": 0,
  "scoring.prior": "none", // a twin of an item is as likely as it by its content alone
} as const;
/** What makes items known by their texts alone, a twentieth of them kept from training. */
export const textOnly = {
  "items.parts.id": null,
  "items.parts.text.hidden": 20,
  "loss.negatives": 64,
  "split.cold": 0.05,
} as const;

/** Imports and encodes the world into a temporary folder; the caller removes it. */
export async function contentWorld(): Promise<ContentWorld> {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-world-"));
  const lines = ["user_id,item_id,timestamp"];
  for (let user = 0; user < 120; user++) {
    for (let k = 0; k < 7; k++)
      lines.push(
        `u${user},${idOf((user + k) % kinds.length, (user + k * 5 + Math.floor(user / 8)) % copies)},${1000 * k}`,
      );
  }
  const items = kinds.flatMap((_, kind) =>
    Array.from({ length: copies }, (_, copy) =>
      JSON.stringify({
        item_id: idOf(kind, copy),
        title: titleOf(kind, copy),
        colour: copy % 3 ? "red" : "blue",
      }),
    ),
  );
  const files = { interactions: join(folder, "log.csv"), items: join(folder, "items.jsonl") };
  await writeFile(files.interactions, `${lines.join("\n")}\n`);
  await writeFile(files.items, items.join("\n"));
  const data = join(folder, "data");
  await importInteractions({ ...files, out: data });
  await encode(await openDataset(data), { text: { columns: ["title"], dim: 24 } });
  const runs = new Map<string, Promise<string>>();
  return {
    folder,
    data,
    run(name, { recipe = "sasrec-text", set = textOnly } = {}) {
      const trained = async (): Promise<string> => {
        const all = Object.entries({ ...settings, ...set });
        const out = join(folder, name);
        await train({ data, out, recipe, set: all.map(([path, value]) => ({ path, value })) });
        return out;
      };
      const run = runs.get(name) ?? trained();
      runs.set(name, run);
      return run;
    },
    open: (run, options = {}) =>
      openRecommender({ run, openScorer, openRetriever, users: "required", ...options }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
