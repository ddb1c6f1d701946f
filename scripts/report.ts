/** @file What the written pages share: result files, tables of Markdown, and text between markers. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

// biome-ignore lint/suspicious/noExplicitAny: result files differ by benchmark
export type Result = any;

/** A result file of docs/results, or undefined where it was not measured. */
export function read(name: string): Result {
  const path = join(root, "docs", "results", `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

export const grouped = (value: number): string => Math.round(value).toLocaleString("en-US");
export const where = ({ machine, versions }: Result): string =>
  `${machine.cores} cores of ${machine.processor}, Node ${versions.node}, ONNX Runtime ${versions.onnxruntime}`;

/** A share to four digits, as .0725. */
export const short = (value: number): string => value.toFixed(4).replace(/^0\./, ".");

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The mean, and the lowest and highest where there are several. */
export function spreadText(values: readonly number[]): string {
  if (values.length === 1) return short(values[0]!);
  return `${short(mean(values))} (${short(Math.min(...values))}–${short(Math.max(...values))})`;
}

/** A page with fresh text between its markers. */
export function between(page: string, fresh: string): string {
  const [begin, end] = ["<!-- tables: written by npm run tables -->", "<!-- /tables -->"];
  const [before, rest] = page.split(begin);
  const [, after] = (rest ?? "").split(end);
  if (rest === undefined || after === undefined)
    throw new Error(`the page needs the markers ${begin} and ${end}`);
  return `${before}${begin}\n\n${fresh}\n\n${end}${after}`;
}
