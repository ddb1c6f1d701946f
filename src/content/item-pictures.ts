/** @file The pictures of items as the bytes of their points, in a table with a row for each item. */

import type { Dataset } from "../data/dataset.ts";
import { findImages } from "../data/images.ts";
import { DataError } from "../tensor/errors.ts";
import { type ImageInput, loadSharp, readImageFile } from "./images.ts";

export interface ItemPictures {
  /** [N, 3 · height · width], in the layout that was asked for; zero where there is none. */
  readonly points: Uint8Array;
  /** [N]: 1 where the item has a picture that can be read. */
  readonly present: Uint8Array;
}

/** Pictures that are decoded together. */
const BATCH = 32;
/** The most bytes of all pictures: they are in memory while a model is trained. */
const MOST_BYTES = 4e9;
/** Values that are the bytes themselves. */
const bytes = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const;

/** The pictures of a dataset's items. @throws DataError where there are none, or they are too many */
export async function itemPictures(
  dataset: Pick<Dataset, "directory" | "manifest" | "items">,
  size: Pick<ImageInput, "width" | "height" | "layout">,
): Promise<ItemPictures> {
  const directory = dataset.manifest.images?.directory;
  if (directory === undefined) {
    const what = `${dataset.directory}: no folder of images is recorded; import the data again with --images FOLDER`;
    throw new DataError("no-images", what);
  }
  const each = 3 * size.width * size.height;
  const count = dataset.items.length;
  if (count * each > MOST_BYTES) {
    const gigabytes = ((count * each) / 1e9).toFixed(0);
    const what = `${dataset.directory}: pictures of ${size.width} × ${size.height} points of ${count} items take ${gigabytes} GB of memory while training, more than ${MOST_BYTES / 1e9}; make them smaller, or use frozen features ("sequitur encode --images")`;
    throw new DataError("too-many-pictures", what, { count, each });
  }
  const [sharp, found] = [await loadSharp(), await findImages(directory)];
  const points = new Uint8Array(new SharedArrayBuffer(count * each));
  const present = new Uint8Array(count);
  const known = dataset.items.flatMap((id, item) => (found.has(id) ? [item] : []));
  for (let at = 0; at < known.length; at += BATCH) {
    await Promise.all(
      known.slice(at, at + BATCH).map(async (item) => {
        const path = found.get(dataset.items[item]!)!;
        const image = await readImageFile(sharp, path, { ...size, ...bytes });
        if (typeof image === "string") return;
        for (let i = 0; i < each; i++) points[item * each + i] = Math.round(image[i]!);
        present[item] = 1;
      }),
    );
  }
  return { points, present };
}
