/** @file Fine-tuning a pretrained image encoder on genres of films: three ways, each in a process of its own. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { FinetuneCase } from "./finetune-case.ts";
import { rank } from "./finetune-network.ts";

const run = promisify(execFile);

export interface FinetuneBenchOptions {
  readonly shared: string;
  readonly threads: number;
  readonly onProgress?: (message: string) => void;
}

const sizes = { batch: 16, epochs: 3, training: 1280, heldOut: 640 };

/** `slopeError` is relative, in float64; times are medians of a step, by the clock and of all processors' work; sizes in 2²⁰ bytes. */
export async function benchFinetune({
  shared,
  threads,
  onProgress,
}: FinetuneBenchOptions): Promise<Record<string, unknown>> {
  const child = join(import.meta.dirname, "finetune-case.js");
  const modes: Record<string, unknown>[] = [];
  for (const mode of ["full", "lora", "frozen"] as const) {
    onProgress?.(`fine-tuning: ${mode}`);
    const options: FinetuneCase = { mode, shared, threads, ...sizes };
    modes.push(JSON.parse((await run(process.execPath, [child, JSON.stringify(options)])).stdout));
  }
  return { threads, encoder: "mobilenet-v1-embedding.onnx", rank, ...sizes, modes };
}
