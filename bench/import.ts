/** @file How long an import takes and how much memory it needs, by the number of interactions and the file type. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { literal, withDatabase } from "../src/data/database.ts";

/** What is measured; the defaults are the bars' 2, 5, 10 and 20 million interactions from both file types. */
export interface ImportBenchOptions {
  readonly sizes?: readonly number[];
  readonly types?: readonly ImportFileType[];
  readonly threads?: number;
  readonly onProgress?: (message: string) => void;
}

/** The file types that are measured. */
export type ImportFileType = "parquet" | "csv.gz";

/** One import in a process of its own. */
export interface ImportBenchRow {
  readonly interactions: number;
  readonly type: ImportFileType;
  readonly fileMegabytes: number;
  readonly users: number;
  readonly items: number;
  /** Seconds of the whole import, from the call to the finished folder. */
  readonly seconds: number;
  readonly secondsPerMillion: number;
  /** Processor seconds of all threads, which other work on the machine hardly changes. */
  readonly processorSeconds: number;
  /** The most resident memory of the process (1 GB = 2³⁰ bytes). */
  readonly peakGigabytes: number;
  /** Seconds to open the finished dataset in the same process afterwards, hashes checked. */
  readonly openSeconds: number;
}

/** Generates interactions, imports each file (to its 5-core) in a process of its own, and returns one row for each. */
export async function benchImport(options: ImportBenchOptions = {}): Promise<Record<string, unknown>> {
  const { sizes = [2e6, 5e6, 10e6, 20e6], types = ["parquet", "csv.gz"], threads = 2 } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-bench-import-"));
  const rows: ImportBenchRow[] = [];
  try {
    for (const interactions of sizes) {
      const files = await generate(folder, interactions, types);
      for (const type of types) {
        options.onProgress?.(`importing ${interactions / 1e6} million interactions from ${type}`);
        rows.push(await measure(files[type]!, type, interactions, threads));
      }
      await Promise.all(Object.values(files).map((path) => rm(path)));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  return {
    name: "import",
    processor,
    cores: cpus().length,
    node: process.version,
    threads,
    bars: barsOf(rows),
    rows,
  };
}

/** The bars of 20 million interactions: seconds by file type, and memory. */
const bars = { seconds: { parquet: 60, "csv.gz": 120 }, gigabytes: 6 } as const;

function barsOf(rows: readonly ImportBenchRow[]) {
  return rows
    .filter((row) => row.interactions === 20e6)
    .map(({ type, seconds, peakGigabytes }) => ({
      type,
      seconds: bars.seconds[type],
      gigabytes: bars.gigabytes,
      met: seconds <= bars.seconds[type] && peakGigabytes <= bars.gigabytes,
    }));
}

/**
 * An event log in time order: one user for every hundred interactions, some far busier than others, and 100,000 items
 * whose popularity falls with their rank (Zipf); with a rating column that the import does not read.
 */
async function generate(folder: string, interactions: number, types: readonly ImportFileType[]) {
  const files: Partial<Record<ImportFileType, string>> = {};
  const uniform = (purpose: number) => `hash(event, ${purpose}) / 18446744073709551616.0`;
  const select = `SELECT 'U' || CAST(floor(${interactions / 100} * pow(${uniform(1)}, 1.5)) AS INTEGER) AS user_id,
    'B' || lpad(CAST(CAST(floor(exp(${uniform(2)} * ln(100000))) AS INTEGER) AS VARCHAR), 9, '0') AS item_id,
    1300000000 + event * 5 AS timestamp, 1 + hash(event, 3) % 5 AS rating FROM range(${interactions}) events(event)`;
  await withDatabase({ memoryLimit: "2GB", temporary: join(folder, "temporary") }, async (database) => {
    for (const type of types) {
      const path = join(folder, `events-${interactions}.${type}`);
      const format = type === "parquet" ? "FORMAT parquet" : "FORMAT csv, HEADER, COMPRESSION gzip";
      await database.run(`COPY (${select}) TO ${literal(path)} (${format})`);
      files[type] = path;
    }
  });
  return files;
}

/** The import as its own process, so that its peak memory is its own; prints one JSON object. */
const child = `
const [, dataUrl, datasetUrl, interactions, out, threads] = process.argv;
const { importInteractions } = await import(dataUrl);
const { openDataset } = await import(datasetUrl);
const { seconds, manifest } = await importInteractions({ interactions, out, minUser: 5, minItem: 5, threads: Number(threads) });
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
const start = performance.now();
await openDataset(out);
const openSeconds = (performance.now() - start) / 1000;
const usage = { peakGigabytes: maxRSS / 2 ** 20, processorSeconds: (userCPUTime + systemCPUTime) / 1e6 };
console.log(JSON.stringify({ seconds, ...usage, openSeconds, counts: manifest.counts }));
`;

interface ChildResult {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakGigabytes: number;
  readonly openSeconds: number;
  readonly counts: { readonly users: number; readonly items: number; readonly interactions: number };
}

async function measure(
  path: string,
  type: ImportFileType,
  interactions: number,
  threads: number,
): Promise<ImportBenchRow> {
  const urls = ["import", "dataset"].map((name) => new URL(`../src/data/${name}.js`, import.meta.url).href);
  const out = `${path}.dataset`;
  const parameters = ["--input-type=module", "--eval", child, ...urls, path, out, String(threads)];
  const { stdout } = await promisify(execFile)(process.execPath, parameters);
  const { seconds, counts, ...result } = JSON.parse(stdout) as ChildResult;
  await rm(out, { recursive: true });
  const { size } = await stat(path);
  return {
    interactions,
    type,
    fileMegabytes: round(size / 1e6),
    users: counts.users,
    items: counts.items,
    seconds: round(seconds),
    secondsPerMillion: round(seconds / (interactions / 1e6)),
    processorSeconds: round(result.processorSeconds),
    peakGigabytes: round(result.peakGigabytes),
    openSeconds: round(result.openSeconds),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
