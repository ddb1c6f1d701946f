/** @file Memory of training: each case in a process of its own, so that its peak of resident memory is its own. */
import { execFile } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stream } from "../src/tensor/random.ts";
import type { StepCase, TrainCase } from "./memory-case.ts";

const run = promisify(execFile);

export interface MemoryBenchOptions {
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

const deepSettings = { "items.dim": 256, "backbone.blocks": 8, "backbone.heads": 4 };

/** One million items: each is in one of 10,000 histories, and as many interactions again follow items nearby. */
async function writeMillion(path: string): Promise<number> {
  const [items, histories, length] = [1_000_000, 10_000, 200];
  const random = stream(1, "million");
  const order = random.shuffle(Int32Array.from({ length: items }, (_, i) => i));
  const file = await open(path, "w");
  await file.writeFile("user_id,item_id,position\n");
  let next = 0;
  for (let h = 0; h < histories; h++) {
    const lines: string[] = [];
    let item = 0;
    for (let k = 0; k < length; k++) {
      item = k % 2 === 0 ? order[next++]! : (item + random.below(20)) % items;
      lines.push(`u${h},i${item},${k}\n`);
    }
    await file.writeFile(lines.join(""));
  }
  await file.close();
  return items;
}

/** Import and one epoch with 1,024 drawn negatives, validation over all items included, each in a process of its own. */
async function measureMillion(threads: number): Promise<Record<string, unknown>> {
  const folder = await mkdtemp(join(tmpdir(), "sequitur-memory-"));
  try {
    const log = join(folder, "log.csv");
    const data = join(folder, "data");
    const items = await writeMillion(log);
    const main = join(import.meta.dirname, "..", "src", "cli", "main.js");
    await run(process.execPath, [main, "import", "--interactions", log, "--out", data]);
    const set = {
      "loss.name": "sampled-softmax",
      "loss.negatives": 1024,
      "training.epochs": 1,
      "training.threads": threads,
    };
    return { items, width: 64, ...set, ...(await measure({ data, out: join(folder, "run"), set })) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(options: StepCase | TrainCase): Promise<Record<string, number>> {
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
  onProgress?.("a million items, sampled");
  return { threads, fullSoftmax, rematerialisation: deep, sampledSoftmax: await measureMillion(threads) };
}
