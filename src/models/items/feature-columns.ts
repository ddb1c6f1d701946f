/** @file Columns of a feature table: how they are centred and scaled, and the first of them as item vectors. */
import type { FeatureTable } from "../../data/features.ts";
import { ConfigError, DataError } from "../../tensor/errors.ts";
import type { ItemVectors } from "./co-occurrence.ts";
import type { ItemContent } from "./content.ts";

/** The feature table of a model. @throws DataError that says how to make it, or that it is broken or of other data */
export async function requireTable(table: string, content: ItemContent): Promise<FeatureTable> {
  const known = await content.tables();
  if (known.includes(table)) return content.features(table);
  const others = known.length === 0 ? "" : ` (it has ${known.map((name) => `"${name}"`).join(", ")})`;
  const what = table === "image" ? "--images FOLDER" : "--text title";
  const message = `${content.where}: the model needs a feature table "${table}", which the data does not have${others}; make it first with "sequitur encode --data ${content.where} ${what}"`;
  throw new DataError(missing, message, { table, known });
}

const missing = "missing-features";

/** Whether an error of `requireTable` says that there is no such table, rather than a broken one. */
export const isMissingTable = (error: unknown): boolean =>
  error instanceof DataError && error.code === missing;

/** Columns beyond which the components, whose cost grows with their cube, are not found. */
const MOST_COLUMNS = 2048;

/** @throws ConfigError where a table has fewer columns than components are asked for, or too many to find them */
export function refuseFewColumns({ name, dim }: FeatureTable, components: number): void {
  if (components === 0 || (components <= dim && dim <= MOST_COLUMNS)) return;
  const what =
    components > dim
      ? `ask for at most ${dim} components`
      : `components are found of at most ${MOST_COLUMNS}; set components to 0`;
  const message = `items: features "${name}" have ${dim} columns; ${what}`;
  throw new ConfigError("components", message, { table: name, dim, components });
}

/** @throws ConfigError where columns are to be scaled, of which nothing but components is seen */
export function refuseScaledComponents(scaling: "columns" | "whole", components: number): void {
  if (components === 0 || scaling === "columns") return;
  const message = `items: scaling "${scaling}" is of columns, and components, each of variance 1, stand in their place; leave out one of the two`;
  throw new ConfigError("components", message, { scaling, components });
}

export interface Columns {
  /** [F], the mean of the items with content. */
  readonly center: Float32Array;
  /** [F], 1 / standard deviation; 0 for a column that is the same for all items. */
  readonly gain: Float32Array;
}

/** Means and deviations over the items that have content, each column's own or one deviation for all. */
export function columnsOf({ dim, values, present }: FeatureTable, scaling: "columns" | "whole"): Columns {
  const [sums, squares] = [new Float64Array(dim), new Float64Array(dim)];
  let rows = 0;
  present.forEach((there, item) => {
    if (!there) return;
    rows++;
    for (let c = 0; c < dim; c++) {
      const value = values[item * dim + c]!;
      sums[c]! += value;
      squares[c]! += value * value;
    }
  });
  const center = Float32Array.from(sums, (sum) => sum / Math.max(1, rows));
  const variances = Float64Array.from(squares, (square, c) =>
    Math.max(0, square / Math.max(1, rows) - (sums[c]! / Math.max(1, rows)) ** 2),
  );
  const whole = variances.reduce((a, b) => a + b, 0) / Math.max(1, dim);
  const gain = Float32Array.from(variances, (own) => {
    const variance = scaling === "whole" ? whole : own;
    return own > 1e-12 * whole && variance > 0 ? 1 / Math.sqrt(variance) : 0;
  });
  return { center, gain };
}

/** The first columns of the items that have content, centred and scaled: where columns stand by weight, what counts most. */
export function leadingColumns(table: FeatureTable, width: number): ItemVectors {
  const { dim, values, present } = table;
  const { center, gain } = columnsOf(table, "columns");
  const items = Int32Array.from(present.keys()).filter((item) => present[item] === 1);
  const vectors = new Float32Array(items.length * width);
  items.forEach((item, k) => {
    for (let c = 0; c < Math.min(width, dim); c++)
      vectors[k * width + c] = (values[item * dim + c]! - center[c]!) * gain[c]!;
  });
  return { items, vectors };
}
