/** @file What the study `content` compares on which data set. */
import { join } from "node:path";
import type { EncodeOptions } from "../src/content/encode.ts";
import type { DataName, Settings } from "./data-sets.ts";

export interface ContentRow {
  readonly name: string;
  readonly title: string;
  readonly set: Settings;
  /** By what the untrained neighbours beside it are near; nothing where it reads no content. */
  readonly near?: string;
}

export interface ContentSet {
  readonly rows: readonly ContentRow[];
  /** What all rows are set to. */
  readonly set: Settings;
  /** The same in words. */
  readonly about?: string;
  /** Feature tables that only this study needs, of the shared folder. */
  readonly tables?: (shared: string) => readonly EncodeOptions[];
}

const withoutNeighbours = { "scoring.neighbourWeight": 0 } as const;
const near = "text";

const textRows: readonly ContentRow[] = [
  { name: "id-text", title: "ids and text", set: {}, near },
  { name: "text", title: "text alone", set: { "items.parts.id": null, "scoring.prior": "none" }, near },
  { name: "id", title: "ids alone", set: { "items.parts.text": null, ...withoutNeighbours }, near },
  { name: "id-text-plain", title: "ids and text, no neighbours by text", set: withoutNeighbours, near },
];

const part = { hidden: 64 } as const;

/**
 * Ids beside feature tables, and neighbours by the first of these, which say less of films than of what is bought: with the
 * recipe's weight of 2 validation is worse than without.
 */
const films = (...tables: readonly [string, ...string[]]): Settings => ({
  ...(Object.fromEntries(tables.map((table) => [`items.parts.${table}`, part])) as unknown as Settings),
  "scoring.neighbourTable": tables[0],
  "scoring.neighbourWeight": 0.5,
  "scoring.neighbourUnseen": 4,
});

const filmRows: readonly ContentRow[] = [
  { name: "id", title: "ids alone", set: withoutNeighbours },
  { name: "id-title", title: "ids and titles", set: films("title"), near: "titles" },
  { name: "id-abstract", title: "ids and abstracts", set: films("abstract"), near: "abstracts" },
  { name: "id-image", title: "ids and posters", set: films("image"), near: "posters" },
  {
    name: "id-all",
    title: "ids, titles, abstracts and posters",
    set: films("abstract", "title", "image"),
    near: "abstracts",
  },
];

export const contentSets: Partial<Readonly<Record<DataName, ContentSet>>> = {
  "amazon-beauty": {
    rows: textRows,
    set: {},
    about:
      "How much more neighbours count that are removed items (`scoring.neighbourUnseen` 2) was chosen by the cold targets of the first removal, the best of the three below, since validation has none; the other two were not looked at.",
  },
  "amazon-scientific": { rows: textRows, set: {} },
  "ml-1m": {
    rows: filmRows,
    set: {
      "items.parts.text": null,
      "loss.name": "cross-entropy",
      "training.maxLength": 50,
      "training.rowLength": 50,
      "training.epochs": 6,
    },
    about:
      "A short training, the same for every row: the last 50 films of each user, six epochs, full softmax; titles and abstracts in 128 dimensions, posters through MobileNet. The weights of neighbours (0.5, and 4 times that where they are removed items) were chosen by validation and by the cold targets of the first removal.",
    tables: (shared) => [
      { text: { columns: ["title"], dim: 128 }, outName: "title" },
      { text: { columns: ["abstract"], dim: 128 }, outName: "abstract" },
      {
        images: {
          directory: join(shared, "data", "ml-1m", "images"),
          encoder: join(shared, "models", "mobilenet-v1-embedding.onnx"),
        },
      },
    ],
  },
};

export const contentData = Object.keys(contentSets) as readonly DataName[];
