/** @file Seconds of `sequitur encode`, each in a process of its own: texts without a download, and pictures. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { importInteractions } from "../src/data/import.ts";
import { rounded } from "./machine.ts";

const run = promisify(execFile);
const program = join(import.meta.dirname, "../src/cli/main.js");

export interface EncodeBenchOptions {
  readonly shared: string;
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

interface EncodeCase {
  readonly what: string;
  readonly data: string;
  readonly args: (shared: string) => readonly string[];
  /** The most seconds that are asked for. */
  readonly bar?: number;
}

const cases: readonly EncodeCase[] = [
  { what: "titles", data: "amazon-beauty", args: () => ["--text", "title"], bar: 15 },
  {
    what: "titles, brands and categories",
    data: "amazon-beauty",
    args: () => ["--text", "title,brand,categories", "--out-name", "all"],
  },
  {
    what: "posters, MobileNet",
    data: "ml-1m",
    args: (shared) => [
      "--images",
      join(shared, "data", "ml-1m", "images"),
      "--image-encoder",
      join(shared, "models", "mobilenet-v1-embedding.onnx"),
    ],
    bar: 120,
  },
];

const Told = z.looseObject({ tables: z.array(z.looseObject({ encoded: z.int(), dim: z.int() })) });

/** What a command encoded, and its seconds from start to end of the process. */
async function timed(args: readonly string[]): Promise<{ seconds: number; encoded: number; dim: number }> {
  const began = performance.now();
  const { stdout } = await run(process.execPath, [program, "encode", ...args, "--json"]);
  const seconds = (performance.now() - began) / 1000;
  const [table] = Told.parse(JSON.parse(stdout.trimEnd().split("\n").at(-1)!)).tables;
  return { seconds, encoded: table!.encoded, dim: table!.dim };
}

export const EncodeResult = z.looseObject({
  machine: z.looseObject({ processor: z.string(), cores: z.int() }),
  threads: z.int(),
  rows: z.array(
    z.strictObject({
      what: z.string(),
      data: z.string(),
      encoded: z.int(),
      dim: z.int(),
      seconds: z.number(),
      bar: z.number().optional(),
      /** The same command once more. */
      again: z.strictObject({ encoded: z.int(), seconds: z.number() }),
    }),
  ),
});

/** Seconds are those of a whole command, the start of Node and the reading of the data among them. */
export async function benchEncode(options: EncodeBenchOptions): Promise<Record<string, unknown>> {
  const { shared, threads, onProgress } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-encode-"));
  try {
    for (const name of new Set(cases.map(({ data }) => data))) {
      const [interactions, items] = ["interactions.csv.gz", "items.jsonl.gz"].map((file) =>
        join(shared, "data", name, file),
      );
      await importInteractions({ interactions: interactions!, items: items!, out: join(folder, name) });
    }
    const rows: unknown[] = [];
    for (const { what, data, args, bar } of cases) {
      onProgress?.(what);
      const all = ["--data", join(folder, data), "--threads", String(threads), ...args(shared)];
      const { encoded, dim, seconds } = await timed(all);
      const again = await timed(all);
      rows.push({
        what,
        data,
        encoded,
        dim,
        seconds: rounded(seconds),
        ...(bar === undefined ? {} : { bar }),
        again: { encoded: again.encoded, seconds: rounded(again.seconds) },
      });
    }
    return { threads, rows };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
