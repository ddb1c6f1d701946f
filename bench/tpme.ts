/** @file TPME: six ways to train by the same two encoders on ml-1m, each in a process of its own, beside their NDCG@10. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeAtomic } from "../src/data/files.ts";
import { compareRuns } from "../src/evaluation/compare.ts";
import { commitOf } from "../study/commit.ts";
import { rounded } from "./machine.ts";
import type { TpmeCase, TpmeRow } from "./tpme-case.ts";
import { ways } from "./tpme-models.ts";
import type { Prepared, Preparing } from "./tpme-prepare.ts";
import { barsOf, type Cost, lossesApart, tpme } from "./tpme-score.ts";

const run = promisify(execFile);

export interface TpmeBenchOptions {
  readonly shared: string;
  readonly threads: number;
  /** Where data, encoders, runs and finished rows stay for the next time. */
  readonly runs?: string | undefined;
  readonly onProgress?: (message: string) => void;
  readonly onCase?: (part: Record<string, unknown>) => Promise<void>;
}

const content = {
  minItem: 800,
  side: 80,
  columns: ["title", "genres"],
  reading: ["title", "genres", "abstract"],
  text: { vocabulary: 6000, width: 128, layers: 4, heads: 4 },
  learning: { batch: 32, length: 32, steps: 300, learningRate: 2e-3 },
} as const;
const seed = 0;
/** Of all ways alike. */
const settings = {
  "training.users": 0.1,
  "training.epochs": 4,
  "training.patience": 4,
  "training.batchTokens": 2048,
  "training.learningRate": 6e-3,
} as const;

/** What a process of its own prints for such options; kept in a file, and read from there where the options were the same. */
async function once<T>(file: string, script: string, options: object): Promise<T> {
  const key = createHash("sha256").update(JSON.stringify(options)).digest("hex");
  const known = await readFile(file, "utf8").then(JSON.parse, () => null);
  if (known?.key === key) return known.value as T;
  const child = join(import.meta.dirname, script);
  const value = JSON.parse((await run(process.execPath, [child, JSON.stringify(options)])).stdout) as T;
  await writeAtomic(file, JSON.stringify({ key, value }));
  return value;
}

/** Seconds are the processor's: other programs on the machine do not change them much. */
const costOf = ({ epochProcessorSeconds, trainedParameters, peakMegabytes }: TpmeRow): Cost => ({
  seconds: epochProcessorSeconds,
  parameters: trainedParameters,
  megabytes: peakMegabytes,
});

/** What is measured already against full fine-tuning: its NDCG@10 user by user, and the bars of cached states. */
async function compared(rows: readonly TpmeRow[], folderOf: (way: string) => string) {
  const of = (way: string): TpmeRow | undefined => rows.find((row) => row.way === way);
  const [full, cached, computed] = [of("full"), of("iisan-cached"), of("iisan-computed")];
  const others = rows.filter((row) => row !== full);
  if (!full || others.length === 0) return {};
  const runs = ["full", ...others.map(({ way }) => way)].map(folderOf);
  const [table] = await compareRuns(runs, "test");
  const againstFull = Object.fromEntries(
    others.map(({ way }, k) => {
      const { difference, p } = table!.tests[k]!;
      return [way, { difference, p }] as const;
    }),
  );
  const test = cached && againstFull[cached.way];
  return {
    againstFull,
    ...(test && { bars: barsOf({ cached: costOf(cached), full: costOf(full), ...test }) }),
    ...(cached && computed && { lossesApart: rounded(lossesApart(cached.losses, computed.losses), 2) }),
  };
}

/**
 * Times of an epoch are of its training steps alone. A way that is done is in the result at once; with a folder of runs,
 * it is not measured again.
 */
export async function benchTpme(options: TpmeBenchOptions): Promise<Record<string, unknown>> {
  const { shared, threads, runs, onProgress, onCase } = options;
  const folder = runs ?? (await mkdtemp(join(tmpdir(), "sequitur-tpme-")));
  const file = (name: string): string => join(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    onProgress?.("the data and its encoders");
    const learning = { ...content.learning, threads };
    const preparing: Preparing = { ...content, learning, shared, folder, threads };
    const prepared = await once<Prepared>(file("prepared.json"), "tpme-prepare.js", preparing);
    const { data, encoders, facts } = prepared;
    const rows: TpmeRow[] = [];
    const result = async (): Promise<Record<string, unknown>> => {
      const scores = tpme(rows.map(costOf));
      return {
        commit: commitOf(),
        threads,
        data: "ml-1m",
        seed,
        settings,
        ...facts,
        rows: rows.map((row, k) => ({ ...row, tpme: rounded(scores[k]!) })),
        ...(await compared(rows, file)),
      };
    };
    for (const way of ways) {
      onProgress?.(way);
      const set = { ...settings, "training.threads": threads };
      const options: TpmeCase = { way, data, encoders, seed, set, out: file(way) };
      rows.push(await once<TpmeRow>(file(`${way}.json`), "tpme-case.js", options));
      await onCase?.(await result());
    }
    return await result();
  } finally {
    if (!runs) await rm(folder, { recursive: true, force: true });
  }
}
