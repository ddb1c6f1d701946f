/** @file A result folder that appears whole or not at all: built beside its place and renamed at the end. */

import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, realpath, rename, rm, rmdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { DataError } from "../tensor/errors.ts";
import { FEATURE_FOLDER } from "./features.ts";
import { readJson, syncFolder, unmakeable } from "./files.ts";

/** What a folder of results is known by, so that a new one may take its place. */
export interface FolderKind {
  /** What it is, in a sentence. */
  readonly name: string;
  /** The file that says `kind`, and under `files` the paths of the other files. */
  readonly manifest: string;
  readonly kind: string;
  /** Folders in it that are its own, whatever they hold. */
  readonly folders: readonly string[];
}

const datasetFolder: FolderKind = {
  name: "dataset",
  manifest: "manifest.json",
  kind: "sequitur-dataset",
  folders: [FEATURE_FOLDER],
};

/**
 * Lets `build` fill a new folder beside `target` and puts it in `target`'s place when done; on an error nothing is left.
 *
 * DataError where `target` exists and is neither empty nor of this kind, which is replaced, or holds more than that.
 */
export async function buildFolder<T>(
  target: string,
  build: (folder: string) => Promise<T>,
  kind: FolderKind = datasetFolder,
): Promise<T> {
  const place = await realpath(target).catch(() => resolve(target));
  await sweepLeftovers(place);
  await refuseForeign(target, place, kind);
  const created = await mkdir(dirname(place), { recursive: true }).catch((error: unknown) => {
    throw unmakeable(target, error);
  });
  const folder = join(dirname(place), `.${basename(place)}.${randomUUID()}.tmp`);
  try {
    await mkdir(folder).catch((error: unknown) => {
      throw unmakeable(target, error);
    });
    const result = await build(folder);
    await syncFiles(folder);
    await swap(folder, place);
    return result;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (created !== undefined) await removeEmpty(dirname(place), created);
    throw error;
  }
}

/**
 * Clears up after builds of the same target that were killed: a dataset that had just been moved aside comes back, and
 * half-built folders go once nobody has touched them for an hour (another build may be at work on a younger one).
 */
async function sweepLeftovers(place: string): Promise<void> {
  const parent = dirname(place);
  const names = (await readdir(parent).catch(() => [])).filter((name) =>
    name.startsWith(`.${basename(place)}.`),
  );
  for (const name of names) {
    const path = join(parent, name);
    const age =
      Date.now() -
      (await stat(path).then(
        (s) => s.mtimeMs,
        () => Date.now(),
      ));
    if (name.endsWith(".tmp.old")) {
      const missing = await stat(place).then(
        () => false,
        () => true,
      );
      if (missing) await rename(path, place);
      else if (age > leftoverMs) await rm(path, { recursive: true, force: true });
    } else if (name.endsWith(".tmp") && age > leftoverMs) await rm(path, { recursive: true, force: true });
  }
}

const leftoverMs = 3_600_000;

/** Removes the empty folders from `inner` up to `outer`; what is not empty stays. */
async function removeEmpty(inner: string, outer: string): Promise<void> {
  for (let folder = inner; folder.length >= outer.length; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

async function refuseForeign(target: string, place: string, kind: FolderKind): Promise<void> {
  const status = await stat(place).catch(() => undefined);
  if (status === undefined) return;
  if (!status.isDirectory()) {
    throw new DataError("not-a-folder", `${target}: there is a file of this name; choose another folder`, {
      target,
    });
  }
  if ((await readdir(place)).length === 0) return;
  const manifest = await readJson(join(place, kind.manifest)).catch(() => undefined);
  const held = (manifest ?? {}) as { kind?: unknown; files?: object };
  if (held.kind === kind.kind) {
    const own = new Set([kind.manifest, ...kind.folders, ...Object.keys(held.files ?? {})]);
    const foreign = await foreignIn(place, "", own);
    if (foreign === undefined) return;
    const what = `${target}: besides the ${kind.name}, which would be replaced, this folder holds "${foreign}"; move that away or choose another folder`;
    throw new DataError("foreign-files", what, { target, foreign });
  }
  const what = `${target}: this folder holds something else than a Sequitur ${kind.name}; choose another folder or empty it`;
  throw new DataError("foreign-folder", what, { target });
}

/** The first path below `folder`, of those below `place`, that is not one of `own`. */
async function foreignIn(
  place: string,
  folder: string,
  own: ReadonlySet<string>,
): Promise<string | undefined> {
  for (const name of await readdir(join(place, folder))) {
    const path = folder + name;
    if (own.has(path)) continue;
    if (![...own].some((each) => each.startsWith(`${path}/`))) return path;
    const inner = await foreignIn(place, `${path}/`, own);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

async function syncFiles(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      await syncFiles(join(folder, entry.name));
      continue;
    }
    const file = await open(join(folder, entry.name), "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await syncFolder(folder);
}

/** Puts the finished folder in its place; a dataset that was there is moved aside first and removed last. */
async function swap(folder: string, place: string): Promise<void> {
  const aside = `${folder}.old`;
  const replaced = await rename(place, aside).then(
    () => true,
    (error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return false;
      const what = `${place}: this folder cannot be replaced (${code}); choose another one`;
      throw new DataError("not-replaceable", what, { place });
    },
  );
  try {
    await rename(folder, place);
  } catch (error) {
    if (replaced) await rename(aside, place);
    throw error;
  }
  await syncFolder(dirname(place));
  if (replaced) await rm(aside, { recursive: true, force: true });
}
