/** @file Quality of the default recipe: the command itself, imported data, several seeds, test metrics, time and memory. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spread } from "./machine.ts";

const main = join(import.meta.dirname, "..", "src", "cli", "main.js");
const tellMemory =
  "data:text/javascript,process.on('exit',()=>process.stderr.write('\\nmaxRSS '+process.resourceUsage().maxRSS+'\\n'))";

interface Answer {
  readonly last: Record<string, never>;
  readonly peakGigabytes: number;
}

/** Runs the command line in a process of its own; its last line of output is JSON. */
function sequitur(args: readonly string[], onText: (text: string) => void): Promise<Answer> {
  const child = spawn(process.execPath, ["--import", tellMemory, main, ...args, "--json"]);
  let [out, errors] = ["", ""];
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    errors += text;
    onText(String(text));
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      if (code !== 0) return reject(new Error(errors));
      const memory = [...errors.matchAll(/maxRSS (\d+)/g)].map((m) => Number(m[1]));
      const last = JSON.parse(out.trimEnd().split("\n").at(-1)!);
      resolve({ last, peakGigabytes: Number((Math.max(...memory) / 2 ** 20).toFixed(2)) });
    });
  });
}

export interface QualityOptions {
  readonly shared: string;
  readonly threads: number;
  readonly data: string;
  readonly seeds: readonly number[];
  readonly onProgress?: (message: string) => void;
}

/** Trains the recipe with its defaults and evaluates on test, once for each seed. */
export async function benchQuality(options: QualityOptions): Promise<Record<string, unknown>> {
  const { shared, threads, data, seeds, onProgress = () => {} } = options;
  const folder = await mkdtemp(join(tmpdir(), "sequitur-quality-"));
  try {
    const imported = join(folder, "data");
    const log = join(shared, "data", data, "interactions.csv.gz");
    await sequitur(["import", "--interactions", log, "--out", imported], () => {});
    const runs: Run[] = [];
    for (const seed of seeds) {
      const args = [
        "train",
        "--data",
        imported,
        "--recipe",
        "sasrec",
        "--seed",
        String(seed),
        "--out",
        join(folder, String(seed)),
      ];
      const trained = await sequitur([...args, "--set", `training.threads=${threads}`], onProgress);
      runs.push({ ...(trained.last as unknown as Run), peakGigabytes: trained.peakGigabytes });
    }
    const of = (key: string): number[] => runs.map((r) => r.metrics[key]!);
    const mean = (key: string): number =>
      Number((of(key).reduce((a, b) => a + b, 0) / runs.length).toFixed(4));
    return {
      recipe: "sasrec",
      protocol: "leave-one-out, test, all items ranked, seen items excluded, ties against the model",
      data,
      threads,
      seeds,
      mean: { "NDCG@10": mean("NDCG@10"), "HR@10": mean("HR@10") },
      spread: { "NDCG@10": spread(of("NDCG@10")), "HR@10": spread(of("HR@10")) },
      secondsOfTraining: spread(runs.map((r) => r.seconds.train)),
      runs,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Run {
  readonly metrics: Readonly<Record<string, number>>;
  readonly seconds: { readonly train: number };
  readonly peakGigabytes: number;
}
