/** @file Memory of training: each case in a process of its own, so that its peak of resident memory is its own. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { StepCase } from "./memory-case.ts";

const run = promisify(execFile);

export interface MemoryBenchOptions {
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

const deepSettings = { "items.dim": 256, "backbone.blocks": 8, "backbone.heads": 4 };

async function measure(options: StepCase): Promise<Record<string, number>> {
  const child = join(import.meta.dirname, "memory-case.js");
  return JSON.parse((await run(process.execPath, [child, JSON.stringify(options)])).stdout);
}

/**
 * Peaks of resident memory in megabytes (2²⁰ bytes). `beyondMegabytes` is the peak less weights and optimizer state; the
 * process itself (`processMegabytes`, before the model) is part of it. Times are medians of a step: by the clock, and of
 * both processors' work.
 */
export async function benchMemory({
  threads,
  onProgress,
}: MemoryBenchOptions): Promise<Record<string, unknown>> {
  const fullSoftmax: Record<string, unknown>[] = [];
  for (const items of [12_101, 100_000]) {
    onProgress?.(`full softmax, ${items} items`);
    const step = { items, tokens: 4096, threads, steps: 5, set: {} };
    fullSoftmax.push({ items, tokens: step.tokens, width: 64, ...(await measure(step)) });
  }
  const deep: Record<string, unknown>[] = [];
  for (const rematerialize of [false, true]) {
    onProgress?.(`8 blocks, rematerialize ${rematerialize}`);
    const set = { ...deepSettings, "training.rematerialize": rematerialize };
    const step = { items: 12_101, tokens: 8192, threads, steps: 4, set };
    deep.push({ rematerialize, tokens: step.tokens, ...deepSettings, ...(await measure(step)) });
  }
  return { threads, fullSoftmax, rematerialisation: deep };
}
