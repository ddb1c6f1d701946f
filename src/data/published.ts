/** @file The files that NineRec and MicroLens publish, found by their names. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../tensor/errors.ts";
import { systemCode, unreadable } from "./files.ts";

/** Data sets that are published in files of their own kind. */
export const publishedFormats = ["ninerec", "microlens"] as const;
export type PublishedFormat = (typeof publishedFormats)[number];

/**
 * What of a published data set is there: STEM_pair.csv or STEM_behaviour.tsv, STEM_item.csv and STEM_cover/ of NineRec
 * (arXiv:2309.07705); STEM_pairs.csv or .tsv, STEM_titles.csv or _title_en.csv, STEM_likes_and_views.txt and STEM_covers/
 * of MicroLens (arXiv:2309.15379), as their repositories describe them.
 */
export interface PublishedFiles {
  readonly format: PublishedFormat;
  readonly interactions: string;
  /** The same interactions as a sequence for each user, where both are there. */
  readonly sequences?: string | undefined;
  readonly items?: string | undefined;
  /** Likes and views of the items. */
  readonly likes?: string | undefined;
  /** The folder of pictures. */
  readonly images?: string | undefined;
}

interface Naming {
  readonly pairs: RegExp;
  readonly sequences: RegExp;
  readonly items: readonly string[];
  readonly likes: readonly string[];
  readonly images: readonly string[];
}

const namings: Readonly<Record<PublishedFormat, Naming>> = {
  ninerec: {
    pairs: /^(.+)_pair\.csv$/i,
    sequences: /^(.+)_behaviou?r\.tsv$/i,
    items: ["_item.csv"],
    likes: [],
    images: ["_cover"],
  },
  microlens: {
    pairs: /^(.+)_pairs\.csv$/i,
    sequences: /^(.+)_pairs\.tsv$/i,
    items: ["_title_en.csv", "_titles.csv"],
    likes: ["_likes_and_views.txt"],
    images: ["_covers"],
  },
};

/**
 * The published files that an import names: their folder, or one of the files with interactions. Undefined where a file
 * is named and no format.
 *
 * @throws DataError where a folder holds no such files, or those of several data sets
 */
export async function publishedFiles(
  path: string,
  format?: PublishedFormat,
): Promise<PublishedFiles | undefined> {
  const directory = await stat(path).then(
    (status) => status.isDirectory(),
    (error: unknown) => {
      if (systemCode(error) === "ENOENT" && format === undefined) return false; // told where it is opened
      throw unreadable(path, error);
    },
  );
  if (!directory && format === undefined) return undefined;
  const folder = directory ? path : dirname(path);
  const names = directory ? await readdir(folder) : [basename(path)];
  const formats = format === undefined ? publishedFormats : [format];
  const found = formats.flatMap((each) => stemsOf(names, each).map((stem) => ({ format: each, stem })));
  const [only, second] = found;
  if (only === undefined) throw nothingThere(path, directory, format);
  if (second !== undefined) {
    const what = `${path}: this folder holds several data sets (${only.stem}, ${second.stem}); name one file of interactions, with --format ${only.format}`;
    throw new DataError("several-data-sets", what, { path });
  }
  const files = filesOf(folder, directory ? names : await readdir(folder), only);
  return directory ? files : { ...files, interactions: path, sequences: sequencesOnly(path, only.format) };
}

/** A file that was named is read as it is: as sequences, or as pairs. */
const sequencesOnly = (path: string, format: PublishedFormat): string | undefined =>
  namings[format].sequences.test(basename(path)) ? path : undefined;

function stemsOf(names: readonly string[], format: PublishedFormat): string[] {
  const { pairs, sequences } = namings[format];
  return [...new Set(names.flatMap((name) => (pairs.exec(name) ?? sequences.exec(name))?.[1] ?? []))];
}

function filesOf(
  folder: string,
  names: readonly string[],
  { format, stem }: { readonly format: PublishedFormat; readonly stem: string },
): PublishedFiles {
  const naming = namings[format];
  const byPattern = (pattern: RegExp): string | undefined =>
    names.find((name) => pattern.exec(name)?.[1] === stem);
  const byEnding = (endings: readonly string[]): string | undefined =>
    endings.map((ending) => names.find((name) => name === stem + ending)).find((name) => name !== undefined);
  const at = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : join(folder, name);
  const [pairs, sequences] = [at(byPattern(naming.pairs)), at(byPattern(naming.sequences))];
  return {
    format,
    interactions: (pairs ?? sequences)!,
    sequences,
    items: at(byEnding(naming.items)),
    likes: at(byEnding(naming.likes)),
    images: at(byEnding(naming.images)),
  };
}

function nothingThere(path: string, directory: boolean, format: PublishedFormat | undefined): DataError {
  if (directory && format === undefined)
    return unreadable(path, Object.assign(new Error(), { code: "EISDIR" }));
  const wanted = {
    ninerec: "NAME_pair.csv or NAME_behaviour.tsv",
    microlens: "NAME_pairs.csv or NAME_pairs.tsv",
  }[format!];
  const what = `${path}: there is no file of interactions as ${format} calls them (${wanted}); name one, or its folder`;
  return new DataError("not-published", what, { path, format });
}
