/** @file What a result must say about where and how it was measured. */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";

/** The date, the machine and the versions, for every result file. */
export function environment() {
  const { version } = JSON.parse(
    readFileSync(new URL("../../node_modules/onnxruntime-node/package.json", import.meta.url), "utf8"),
  ) as { version: string };
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      processor: cpus()[0]?.model.trim(),
      cores: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    },
    versions: { node: process.version, onnxruntime: version },
  };
}

/** What a benchmark is and its environment, for the head of its result file. */
export function provenance(name: string, args: readonly string[]): Record<string, unknown> {
  return { name, command: ["npm run bench --", name, ...args].join(" "), ...environment() };
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1]!;

export const rounded = (value: number, digits = 3): number => Number(value.toPrecision(digits));

/** Minimum, median and maximum. */
export const spread = (values: readonly number[]): Record<"min" | "median" | "max", number> => ({
  min: rounded(Math.min(...values), 4),
  median: rounded(median(values), 4),
  max: rounded(Math.max(...values), 4),
});

/**
 * Most megabytes (2²⁰ bytes) that this process has had in memory; where the system tells it, without what the process
 * that started it held.
 */
export async function peakMegabytes(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
  return rounded(Number(kilobytes) / 1024, 4);
}
