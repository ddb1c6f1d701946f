/** @file Writes the figures of docs/serving.md between its markers, from docs/results/serving.json. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { between, grouped, type Result, read, root, table, where } from "./report.ts";

const milliseconds = (value: number): string => (value < 10 ? value.toFixed(1) : grouped(value));

/**
 * What was promised and what was measured, case by case. The promise on a catalogue's memory is on its vectors and index;
 * what the whole process takes at most stands beside it.
 */
function bars(cases: readonly Result[]): string {
  const rows = cases.flatMap(({ bars, memory }) =>
    bars.map(({ what, bar, measured, kept }: Result) => {
      const ofIndex = /: memory\b/.test(what);
      return [
        ofIndex ? what.replace(/: memory$/, ": memory of vectors and index") : what,
        bar,
        ofIndex ? `${measured}; process peak ${grouped(memory.peak)} MB` : measured,
        kept ? "yes" : "**no**",
      ];
    }),
  );
  return table(["what", "promised", "measured", "kept"], rows);
}

function catalogues(cases: readonly Result[]): string {
  const rows = cases
    .filter(({ atRate }) => atRate)
    .map(({ items, index, recallAt10, startSeconds, throughput, atRate, memory }) => [
      grouped(items),
      index,
      recallAt10.toFixed(4),
      grouped(throughput.requestsPerSecond),
      String(atRate.rate),
      ["p50", "p95", "p99"].map((name) => milliseconds(atRate[name])).join(" / "),
      `${grouped(memory.tableMegabytes)} × ${memory.searchPerTable}`,
      grouped(memory.peak),
      startSeconds.toFixed(1),
    ]);
  const head = [
    "items",
    "index",
    "recall@10",
    "most requests/s",
    "at requests/s",
    "p50 / p95 / p99 ms",
    "float table MB × with index",
    "peak MB of the process",
    "s to start",
  ];
  return table(head, rows);
}

/** The text between the markers. */
export function servingTables(): string {
  const result = read("serving");
  if (!result) return "Not measured yet: `npm run bench -- serving`.";
  const cases: Result[] = Object.values(result.cases);
  const lead = `Generated catalogues, histories of ${result.historyLength}. Server and load generator share the machine: ${where(result)}. "Most" is what autocannon gets over 32 connections; at a rate, requests come at random moments, and count from when they were due. What the service "holds" is the highest rate tried at which the 99th percentile stays within 20 ms, in one of three tries.`;
  return [lead, bars(cases), catalogues(cases)].join("\n\n");
}

/** The page with fresh figures. */
export const servingPage = (page: string): string => between(page, servingTables());

if (process.argv[1] === import.meta.filename) {
  const path = join(root, "docs", "serving.md");
  writeFileSync(path, servingPage(readFileSync(path, "utf8")));
}
