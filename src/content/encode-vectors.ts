/** @file Embeddings that stand in a column of the items, as a model elsewhere has computed them. */

import { createHash } from "node:crypto";
import type { Dataset, Item } from "../data/dataset.ts";
import { leftFeatures, writeFeatures } from "../data/features.ts";
import { ConfigError, DataError } from "../tensor/errors.ts";
import { suggest } from "../tensor/nearest.ts";
import { columnsOf } from "./item-text.ts";
import type { Outcome } from "./partial.ts";
import { type ItemProblem, missingOf, type TableReport } from "./report.ts";

/** Makes a table of a column of number lists, or of texts such as "0.1 0.2" and "[0.1, 0.2]". */
export async function encodeVectors(
  dataset: Dataset,
  items: readonly Item[],
  { table, column }: { readonly table: string; readonly column: string },
): Promise<TableReport> {
  const start = performance.now();
  const known = columnsOf(items);
  if (!known.includes(column)) {
    const there = known.length === 0 ? "; the items have no fields" : suggest(column, known);
    throw new ConfigError("unknown-column", `--vectors: the items have no column "${column}"${there}`, {
      column,
    });
  }
  const given = items.map((item) => vectorOf(item.fields[column]));
  const dim = given.find((vector) => typeof vector === "object")?.length ?? 0;
  const problems: ItemProblem[] = [];
  const values = new Float32Array(items.length * dim);
  const present = new Uint8Array(items.length);
  for (const [row, vector] of given.entries()) {
    if (vector === undefined) continue;
    const what = typeof vector === "string" ? vector : problemOf(vector, dim);
    if (what !== undefined) problems.push({ item: items[row]!.id, what });
    else {
      values.set(vector as readonly number[], row * dim);
      present[row] = 1;
    }
  }
  const count = present.reduce((sum, mark) => sum + mark, 0);
  if (count === 0) {
    const first = problems[0] ? ` (item "${problems[0].item}": ${problems[0].what})` : "";
    throw new DataError("no-vectors", `--vectors: no item has numbers in column "${column}"${first}`, {
      column,
    });
  }
  const inputHash = createHash("sha256").update(dataset.manifest.fingerprint).update(values).update(present);
  const source = { encoder: "column", columns: [column], inputHash: inputHash.digest("hex") };
  const before = await leftFeatures(dataset, table);
  const same = before !== undefined && JSON.stringify(before.source) === JSON.stringify(source);
  if (!same) await writeFeatures(dataset, table, { dim, values, present, source });
  return {
    table,
    dim,
    items: items.length,
    encoded: same ? 0 : count,
    reused: same ? count : 0,
    ...missingOf(dataset.items, (row) => given[row] === undefined),
    problems,
    source,
    seconds: (performance.now() - start) / 1000,
  };
}

/** The vector of a new item's field, or a sentence on why there is none. */
export function vectorOutcome(value: unknown, dim: number): Outcome {
  const vector = vectorOf(value);
  if (vector === undefined) return "the field of its vector is empty";
  const problem = typeof vector === "string" ? vector : problemOf(vector, dim);
  return problem ?? Float32Array.from(vector as readonly number[]);
}

/** The numbers of a field, undefined where it is empty, or what is wrong with it. */
function vectorOf(value: unknown): readonly number[] | string | undefined {
  if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0))
    return undefined;
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.map((each) => (typeof each === "number" ? each : Number.NaN));
  if (typeof value !== "string") return "its value is no list of numbers";
  const parts = value
    .replaceAll(/[[\],;]/g, " ")
    .trim()
    .split(/\s+/);
  return parts.map(Number);
}

function problemOf(vector: readonly number[], dim: number): string | undefined {
  const at = vector.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) return `value ${at + 1} of its vector is no number`;
  return vector.length === dim
    ? undefined
    : `its vector has ${vector.length} values, those of other items have ${dim}`;
}
