/** @file Spaces of features: tables in the same space say the same by the same numbers, whichever data they are of. */
import { createHash } from "node:crypto";
import type { FeatureSource } from "../data/features.ts";

/** The name of the built-in text encoder, which is fitted to a catalogue's texts, in a table's source. */
export const TFIDF = "tfidf-svd";

/**
 * The space of a table by its source. A model of a file gives every data set vectors in one space; the built-in text
 * encoder, which is fitted to texts, does so where it is applied as it was fitted (`encode --like`). What was made
 * elsewhere says nothing of its space: tables of the same kind are taken to agree.
 */
export function spaceOf(source: FeatureSource): string {
  if (typeof source.space === "string") return source.space;
  const { encoder, columns, options, layers, inputHash } = source;
  const name = String(encoder ?? "unknown");
  const hashed = (...facts: unknown[]): string =>
    `${name}:${createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 16)}`;
  if (name === TFIDF) return hashed(columns, options, inputHash);
  return typeof options === "object" && options !== null ? hashed(options, layers ?? null) : name;
}
