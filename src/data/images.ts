/** @file The pictures of a dataset's items: files named by item id in a folder, which stay where they are. */

import { readdir } from "node:fs/promises";
import { extname, join, resolve } from "node:path";
import { DataError } from "../tensor/errors.ts";
import { unreadable } from "./files.ts";
import type { Manifest } from "./manifest.ts";

/** Endings of picture files, best first where an item has more than one. */
const endings = [".jpg", ".jpeg", ".png", ".webp", ".avif", ".gif"];

/** Item id → path of its picture. An id that no file can be called by may stand percent-encoded. */
export async function findImages(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(directory).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTDIR" && code !== "ENOENT") throw unreadable(directory, error);
    const what = `${directory}: there is no such folder of images; name one with --images`;
    throw new DataError("no-images", what, { directory });
  });
  const rank = (name: string): number => endings.indexOf(extname(name).toLowerCase());
  const found = new Map<string, string>();
  for (const name of names
    .filter((each) => rank(each) >= 0)
    .sort((a, b) => rank(b) - rank(a) || (a < b ? 1 : -1))) {
    found.set(decoded(name.slice(0, -extname(name).length)), join(directory, name));
  }
  if (found.size > 0) return found;
  const what = `${directory}: there are no images in this folder; files should be called ITEM${endings.slice(0, 4).join(", ITEM")}`;
  throw new DataError("no-images", what, { directory });
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** What the manifest says about a folder of pictures. @throws DataError where no picture is of an item */
export async function imagesOf(
  directory: string,
  items: readonly string[],
): Promise<NonNullable<Manifest["images"]>> {
  const found = await findImages(directory);
  const known = items.filter((id) => found.has(id)).length;
  if (known > 0) return { directory: resolve(directory), items: known };
  const what = `${directory}: none of its ${found.size} images is called as an item is (the first item is "${items[0]}", an image "${[...found.keys()][0]}")`;
  throw new DataError("no-images", what, { directory });
}
