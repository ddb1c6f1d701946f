/** @file Encodes contents item by item: in batches, resumable, and only what has changed. */

import type { Dataset } from "../data/dataset.ts";
import { type FeatureSource, KEY_BYTES, leftFeatures, writeFeatures } from "../data/features.ts";
import { DataError } from "../tensor/errors.ts";
import { keyText } from "./content-key.ts";
import { type Outcome, openPartial } from "./partial.ts";
import { type ItemProblem, missingOf, type OnProgress, progressOf, type TableReport } from "./report.ts";

/** How the contents of a dataset's items are encoded. */
export interface RowEncoding<P> {
  readonly table: string;
  readonly source: FeatureSource;
  /** The key of each item's content, undefined where it has none; it changes with the encoder and its settings. */
  readonly keys: readonly (Uint8Array | undefined)[];
  /** The items in the order in which they are encoded; batches of texts of like length waste little. */
  readonly order: readonly number[];
  readonly batch: number;
  /** Reads a batch; the next one is read while one is encoded. */
  prepare(items: readonly number[]): Promise<P>;
  /** A vector for each item of the batch, or a sentence on what is wrong with its content. */
  run(prepared: P): Promise<readonly Outcome[]>;
  readonly onProgress?: OnProgress | undefined;
}

/** Encodes what is new or has changed and writes the table; killed at any moment, it goes on where it was. */
export async function encodeRows<P>(dataset: Dataset, encoding: RowEncoding<P>): Promise<TableReport> {
  const start = performance.now();
  const { table, source, keys } = encoding;
  const before = await rowsBefore(dataset, table);
  const pending = encoding.order.filter((item) => keys[item] && !before.rows.has(keyText(keys[item])));
  const identity = JSON.stringify([table, source, encoding.batch]);
  const partial = await openPartial(dataset.directory, table, identity);
  const done = new Map<string, Outcome>([...before.rows, ...partial.done]);
  await eachBatch(pending, encoding, async (items, run) => {
    const own = items.map((item) => keyText(keys[item]!));
    if (own.every((key) => done.has(key))) return;
    const outcomes = await run();
    for (const [i, key] of own.entries()) done.set(key, outcomes[i]!);
    await partial.append(own, outcomes);
  });
  const { columns, problems } = assembled(dataset, encoding, done);
  const unchanged = pending.every((item) => typeof done.get(keyText(keys[item]!)) === "string");
  if (!(unchanged && before.isWhole(columns.present, source)))
    await writeFeatures(dataset, table, { ...columns, source });
  await partial.remove();
  const count = columns.present.reduce((sum, mark) => sum + mark, 0);
  const encoded = pending.length - problems.length;
  return {
    table,
    dim: columns.dim,
    items: keys.length,
    encoded,
    reused: count - encoded,
    ...missingOf(dataset.items, (item) => keys[item] === undefined),
    problems,
    source,
    seconds: (performance.now() - start) / 1000,
  };
}

/** The vectors of the table as it stands, by key, and whether it may stay as it is. */
async function rowsBefore(dataset: Dataset, table: string) {
  const rows = new Map<string, Float32Array>();
  const left = await leftFeatures(dataset, table);
  for (const [row, mark] of left?.present.entries() ?? []) {
    if (mark === 0 || left?.keys === undefined) continue;
    const key = keyText(left.keys.subarray(row * KEY_BYTES, (row + 1) * KEY_BYTES));
    rows.set(key, left.values.subarray(row * left.dim, (row + 1) * left.dim));
  }
  const isWhole = (present: Uint8Array, source: FeatureSource) =>
    left !== undefined &&
    left.dataset === dataset.manifest.fingerprint &&
    Buffer.compare(left.present, present) === 0 &&
    JSON.stringify(left.source) === JSON.stringify(source);
  return { rows, isWhole };
}

/** Calls `each` batch by batch, with what encodes it; a batch is read while the one before is encoded. */
async function eachBatch<P>(
  pending: readonly number[],
  { batch, table, prepare, run, onProgress }: RowEncoding<P>,
  each: (items: readonly number[], run: () => Promise<readonly Outcome[]>) => Promise<void>,
): Promise<void> {
  const progress = progressOf(table, onProgress);
  const batches = Array.from({ length: Math.ceil(pending.length / batch) }, (_, at) =>
    pending.slice(at * batch, (at + 1) * batch),
  );
  const reading: (Promise<P> | undefined)[] = [];
  const read = (at: number): Promise<P> => {
    reading[at] ??= prepare(batches[at]!);
    reading[at].catch(() => {}); // it is thrown where it is awaited
    return reading[at];
  };
  for (const [at, items] of batches.entries()) {
    await each(items, async () => {
      const prepared = await read(at);
      if (at + 1 < batches.length) void read(at + 1);
      return run(prepared);
    });
    reading[at] = undefined;
    progress("encoding", Math.min((at + 1) * batch, pending.length), pending.length);
  }
}

function assembled<P>(
  dataset: Dataset,
  { table, keys, order }: RowEncoding<P>,
  done: ReadonlyMap<string, Outcome>,
) {
  const problems: ItemProblem[] = [];
  const found: [item: number, key: Uint8Array, vector: Float32Array][] = [];
  for (const item of order.toSorted((a, b) => a - b)) {
    const key = keys[item];
    if (key === undefined) continue;
    const outcome = done.get(keyText(key))!;
    if (typeof outcome === "string") problems.push({ item: dataset.items[item]!, what: outcome });
    else found.push([item, key, outcome]);
  }
  const dim = found[0]?.[2].length;
  if (dim === undefined) {
    const first = problems[0] ? ` (item "${problems[0].item}": ${problems[0].what})` : "";
    const what = `features "${table}": none of the ${dataset.items.length} items has content that can be encoded${first}`;
    throw new DataError("no-content", what, { table });
  }
  const values = new Float32Array(keys.length * dim);
  const present = new Uint8Array(keys.length);
  const kept = new Uint8Array(keys.length * KEY_BYTES);
  for (const [item, key, vector] of found) {
    values.set(vector, item * dim);
    present[item] = 1;
    kept.set(key, item * KEY_BYTES);
  }
  return { columns: { dim, values, present, keys: kept }, problems };
}
