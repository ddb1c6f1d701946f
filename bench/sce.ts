/** @file Time and memory of a training step with SCE as the catalogue grows, each size in a process of its own. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StepCase } from "./memory-case.ts";

const run = promisify(execFile);
const tokens = 4096;
const set = { "items.dim": 64, "loss.name": "sce", "loss.negatives": 500, "loss.alpha": 100 };

export interface SceBenchOptions {
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

/**
 * Peaks of resident memory in megabytes (2²⁰ bytes); `beyondMegabytes` is the peak less weights and optimizer state,
 * which must not grow with the catalogue: a step is fed the rows that it reads, T·(K + 2) at most where each token has a
 * draw of its own (two million here, so that all sizes are below that bound) and 2·T + K where all share one. At 10,000
 * items draws of each token's own are picked from the scores of all. Times are medians over steps, the first left out.
 */
export async function benchSce({ threads, onProgress }: SceBenchOptions): Promise<Record<string, unknown>> {
  const rows: Record<string, unknown>[] = [];
  for (const each of ["token", "step"]) {
    for (const items of [10_000, 100_000, 1_000_000]) {
      onProgress?.(`SCE, ${items} items, one draw a ${each}`);
      const step: StepCase = { items, tokens, threads, steps: 4, set: { ...set, "loss.each": each } };
      const child = join(import.meta.dirname, "memory-case.js");
      const { stdout } = await run(process.execPath, [child, JSON.stringify(step)]);
      rows.push({ each, items, ...JSON.parse(stdout) });
    }
  }
  return { threads, tokens, width: 64, ...set, rows };
}
