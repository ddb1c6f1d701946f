/** @file Texts of one data set by the built-in encoder as it was fitted to another's, so that both are in one space. */
import { createHash } from "node:crypto";
import { type Dataset, type Item, openDataset, readItems } from "../data/dataset.ts";
import { type FeatureTable, leftFeatures, openFeatures, writeFeatures } from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";
import { spaceOf, TFIDF } from "./feature-space.ts";
import { textsOf } from "./item-text.ts";
import { projectTexts } from "./project-texts.ts";
import { missingOf, type OnProgress, progressOf, type TableReport } from "./report.ts";
import { type Texts, tfidf, tfidfRows } from "./tfidf.ts";

export interface LikeOptions {
  /** Name of the table, in both data sets. */
  readonly table: string;
  readonly columns: readonly string[];
  /** The dataset folder whose table says what words mean. */
  readonly like: string;
  readonly onProgress?: OnProgress | undefined;
}

/** Changes with whatever changes the values of an unchanged text. */
const VERSION = 2;

/**
 * Encodes all items' texts with the vocabulary and the components of another data set's table; words that it does not
 * know say nothing, and an item has content where it has a known one. The same texts are not encoded again.
 *
 * @throws DataError where that table is not the built-in encoder's, or was itself made like another
 */
export async function encodeLike(
  dataset: Dataset,
  items: readonly Item[],
  { table, columns, like, onProgress }: LikeOptions,
): Promise<TableReport> {
  const start = performance.now();
  const origin = await openDataset(like);
  const fitted = await openFeatures(origin, table);
  const own = fittedColumns(like, fitted);
  const texts = items.map((item) => textsOf(item, columns));
  const space = spaceOf(fitted.source);
  const inputHash = createHash("sha256")
    .update(JSON.stringify([VERSION, space, texts]))
    .digest("hex");
  const source = { encoder: `like ${TFIDF}`, columns, space, inputHash };
  const before = await leftFeatures(dataset, table);
  const there =
    before?.dataset === dataset.manifest.fingerprint &&
    JSON.stringify(before.source) === JSON.stringify(source);
  const progress = progressOf(table, onProgress);
  const { present } = there
    ? before
    : await write({ dataset, origin, fitted, own, texts, table, source, progress });
  const count = present.reduce((sum, mark) => sum + mark, 0);
  const strange = items.filter((_, at) => texts[at]!.length > 0 && present[at] === 0);
  return {
    table,
    dim: fitted.dim,
    items: items.length,
    encoded: there ? 0 : count,
    reused: there ? count : 0,
    ...missingOf(dataset.items, (row) => texts[row]!.length === 0),
    problems: strange.map(({ id }) => ({ item: id, what: `none of its words is in the texts of ${like}` })),
    source,
    seconds: (performance.now() - start) / 1000,
  };
}

/** The columns that a table was fitted to. @throws DataError where it is no table that was fitted */
function fittedColumns(like: string, { name, source }: FeatureTable): readonly string[] {
  if (source.encoder === TFIDF) return source.columns as readonly string[];
  const what =
    typeof source.space === "string"
      ? "were themselves made like those of another data set; name that one"
      : `were made by ${String(source.encoder)}, which is fitted to no texts: encode with the same encoder, and both are in one space`;
  throw new DataError("not-fitted", `features "${name}" of ${like} ${what}`, { like, name });
}

interface Work {
  readonly dataset: Dataset;
  readonly origin: Dataset;
  readonly fitted: FeatureTable;
  readonly own: readonly string[];
  readonly texts: readonly Texts[];
  readonly table: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly progress: (step: string, done: number, total: number) => void;
}

async function write({ dataset, origin, fitted, own, texts, table, source, progress }: Work) {
  progress("reading the texts", 0, 100);
  const known = (await readItems(origin)).map((item) => textsOf(item, own));
  const { rows, vocabulary } = tfidf(known);
  const added = tfidfRows(texts, vocabulary);
  progress("finding their places", 20, 100);
  const values = projectTexts({ ...fitted, rows }, added);
  const present = Uint8Array.from(texts, (_, row) => Number(added.offsets[row + 1]! > added.offsets[row]!));
  return writeFeatures(dataset, table, { dim: fitted.dim, values, present, source });
}
