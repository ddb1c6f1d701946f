/** @file How long a search takes: exact, int8 and approximate, over generated catalogues of three sizes. */
import { buildIndex } from "../src/retrieval/build-index.ts";
import { exactIndex } from "../src/retrieval/exact-index.ts";
import { measureRecall, sampleQueries } from "../src/retrieval/recall.ts";
import { indexKinds } from "../src/retrieval/vector-index.ts";
import { createVectorTable, type VectorTable } from "../src/retrieval/vector-table.ts";
import { stream } from "../src/tensor/random.ts";
import { rounded } from "./machine.ts";

const dim = 64;
const sizes = [12_000, 100_000, 1_000_000];
/** Searches that are timed, one after the other. */
const searches = 200;

/** Vectors of length one around a centre for every 200 of them, as those of trained items lie in groups. */
function generatedTable(rows: number): VectorTable {
  const groups = Math.max(1, Math.round(rows / 200));
  const centres = new Float32Array(groups * dim);
  stream(1, "centres").fillNormal(centres, 1);
  const vectors = new Float32Array(rows * dim);
  stream(1, "vectors").fillNormal(vectors, 0.8);
  for (let row = 0; row < rows; row++) {
    const centre = (Math.imul(row, 2_654_435_761) >>> 0) % groups;
    for (let c = 0; c < dim; c++) vectors[row * dim + c]! += centres[centre * dim + c]!;
  }
  return createVectorTable({ dim, vectors, similarity: "cosine" });
}

const percentile = (sorted: readonly number[], part: number): number =>
  rounded(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!);

async function measure(table: VectorTable, kind: (typeof indexKinds)[number], threads: number) {
  const began = performance.now();
  const { index, report } = await buildIndex(table, { index: kind, threads });
  const seconds = (performance.now() - began) / 1000;
  const exact = await exactIndex(table, { threads });
  const recall = kind === "exact" ? 1 : await measureRecall(table, index, exact);
  await exact.dispose();
  const queries = sampleQueries(table, searches, 7);
  const question = { k: 10, excluded: new Set(Array.from({ length: 20 }, (_, row) => row)), allowed: null };
  const milliseconds: number[] = [];
  for (let q = 0; q < searches; q++) {
    const start = performance.now();
    await index.search(queries.slice(q * dim, (q + 1) * dim), [question]);
    milliseconds.push(performance.now() - start);
  }
  milliseconds.sort((a, b) => a - b);
  await index.dispose();
  return {
    index: kind,
    p50Milliseconds: percentile(milliseconds, 0.5),
    p99Milliseconds: percentile(milliseconds, 0.99),
    recallAt10: rounded(recall, 4),
    megabytes: rounded((report.tableBytes + report.indexBytes) / 1e6),
    timesTheFloatTable: rounded((report.tableBytes + report.indexBytes) / report.tableBytes),
    buildSeconds: rounded(seconds),
  };
}

export async function benchRetrieval({
  threads,
  onProgress,
}: {
  threads: number;
  onProgress: (message: string) => void;
}): Promise<Record<string, unknown>> {
  const catalogues = [];
  for (const items of sizes) {
    const table = generatedTable(items);
    const indexes = [];
    for (const kind of indexKinds) {
      indexes.push(await measure(table, kind, threads));
      onProgress(JSON.stringify({ items, ...indexes.at(-1) }));
    }
    catalogues.push({ items, indexes });
  }
  return {
    data: `generated vectors of ${dim} elements in groups`,
    threads,
    searches,
    excluded: 20,
    catalogues,
  };
}
