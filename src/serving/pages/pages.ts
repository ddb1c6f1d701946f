/** @file What the web app asks of a run beside recommendations: its items, its training, its data. */

import { readFile } from "node:fs/promises";
import { type Dataset, type Item, readItems } from "../../data/dataset.ts";
import { systemCode } from "../../data/files.ts";
import { findImages } from "../../data/images.ts";
import type { OpenRun } from "../../evaluation/run-folder.ts";
import { DataError } from "../../tensor/errors.ts";
import { byItem, spans } from "./counts.ts";
import { dataReport } from "./data-report.ts";
import { runReport } from "./run-report.ts";
import type { DataAnswer, ItemAnswer, RunAnswer } from "./schemas.ts";

/** Spans of time that an item's interactions are counted in. */
const periods = 40;

/** A run and its dataset, where that was found; what takes long is read once, when it is first asked for. */
export class Pages {
  readonly #run: OpenRun;
  readonly #model: string;
  readonly #dataset: Dataset | undefined;
  #items: Promise<ReadonlyMap<string, Item>> | undefined;
  #images: Promise<ReadonlyMap<string, string>> | undefined;
  #indices: ReadonlyMap<string, number> | undefined;
  #data: DataAnswer | undefined;
  #times: ((item: number) => Float64Array) | undefined;

  constructor(run: OpenRun, model: string, dataset: Dataset | undefined) {
    this.#run = run;
    this.#model = model;
    this.#dataset = dataset;
  }

  run(): Promise<RunAnswer> {
    return runReport(this.#run, this.#model);
  }

  /** @throws DataError where the dataset is not there */
  data(): DataAnswer {
    this.#data ??= dataReport(this.#required());
    return this.#data;
  }

  /** The columns of the items file for an item, and how often it was met in equal spans of time. */
  async content(id: string): Promise<Pick<ItemAnswer, "fields" | "popularity">> {
    const dataset = this.#dataset;
    if (!dataset) return { fields: {} };
    const fields = (await this.#content(dataset)).get(id)?.fields ?? {};
    const popularity = this.#popularity(dataset, id);
    return { fields, ...(popularity && { popularity }) };
  }

  /** The ids of the items that have a picture. */
  async pictured(): Promise<Pick<ReadonlySet<string>, "has">> {
    return this.#pictures();
  }

  /** The picture of an item and its media type. @throws DataError where it has none */
  async image(id: string): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string }> {
    const path = (await this.#pictures()).get(id);
    const bytes = path && (await readIfThere(path));
    if (!path || !bytes) throw new DataError("no-image", `item "${id}" has no picture`, { id });
    const ending = path.slice(path.lastIndexOf(".") + 1).toLowerCase();
    return { bytes: new Uint8Array(bytes), type: `image/${ending === "jpg" ? "jpeg" : ending}` };
  }

  #required(): Dataset {
    if (this.#dataset) return this.#dataset;
    const message =
      "the dataset of this run was not found, so nothing is known of the data; name its folder with --data";
    throw new DataError("no-dataset", message);
  }

  #content(dataset: Dataset): Promise<ReadonlyMap<string, Item>> {
    this.#items ??= readItems(dataset).then((items) => new Map(items.map((item) => [item.id, item])));
    return this.#items;
  }

  #pictures(): Promise<ReadonlyMap<string, string>> {
    const folder = this.#dataset?.manifest.images?.directory;
    this.#images ??=
      folder === undefined ? Promise.resolve(new Map()) : findImages(folder).catch(() => new Map());
    return this.#images;
  }

  #popularity({ items, sequence, times, manifest }: Dataset, id: string): ItemAnswer["popularity"] {
    const { first, last } = manifest.time;
    if (!times || first === undefined || last === undefined) return undefined;
    this.#indices ??= new Map(items.map((item, index) => [item, index]));
    const index = this.#indices.get(id);
    if (index === undefined) return undefined;
    this.#times ??= byItem(sequence, times, items.length);
    return spans(this.#times(index), first, last, periods);
  }
}

/** The bytes of a file; undefined where it is gone. */
const readIfThere = (path: string): Promise<Buffer | undefined> =>
  readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
