/** @file Where the encoder of a feature table is, so that it can be opened again for new items. */

import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import type { FeatureHome, FeatureTable } from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";

/** What a table's source says of its encoder's place: a path from the dataset folder, or a name on the hub. */
export type EncoderPlace = { readonly path: string } | { readonly hub: string };

/** The place to write down: of a file or folder the path from the dataset folder on, so that both can move together. */
export async function placeToRecord(
  { directory }: Pick<FeatureHome, "directory">,
  encoder: string,
): Promise<EncoderPlace> {
  const there = await stat(encoder).catch(() => undefined);
  return there ? { path: relative(resolve(directory), resolve(encoder)) } : { hub: encoder };
}

/**
 * The path or the hub name by which a table's encoder is opened again; `given` where the user knows better.
 *
 * @throws DataError where no encoder of ours made the table, or its place was not written down
 */
export function placeOf(
  { directory }: Pick<FeatureHome, "directory">,
  { name, source }: Pick<FeatureTable, "name" | "source">,
  given?: string,
): string {
  const { encoder, options, at } = source as {
    readonly encoder?: unknown;
    readonly options?: { readonly model?: unknown };
    readonly at?: EncoderPlace;
  };
  if (options?.model === undefined) {
    const what = `features "${name}" were made elsewhere (${String(encoder ?? "unknown")}), so a new item must bring its own`;
    throw new DataError("other-encoder", what, { table: name });
  }
  if (given !== undefined) return given;
  if (at !== undefined) return "hub" in at ? at.hub : resolve(directory, at.path);
  const what = `it is not written down where the encoder of features "${name}" is (${String(encoder)}); encode again, which computes nothing anew, or name it with --encoder ${name}=PLACE`;
  throw new DataError("no-encoder", what, { table: name });
}

/** @throws DataError where the encoder at a place is not the one that made the table */
export function requireSameEncoder(
  { name, source }: Pick<FeatureTable, "name" | "source">,
  hash: string,
): void {
  const { encoder, options } = source as { encoder?: unknown; options?: { readonly model?: unknown } };
  if (options?.model === hash) return;
  const what = `the encoder that was found for features "${name}" is not the one that made them (${String(encoder)}): its file is another; restore it or encode and train again`;
  throw new DataError("changed-encoder", what, { table: name });
}
