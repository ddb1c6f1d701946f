/** @file Writes the figures of docs/serving.md between its markers, from docs/results/serving.json. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { between, grouped, type Result, read, root, table, where } from "./report.ts";

const milliseconds = (value: number): string => (value < 10 ? value.toFixed(1) : grouped(value));

function catalogues(result: Result): string {
  const rows = result.catalogues.map((line: Result) => [
    grouped(line.items),
    line.index,
    line.recallAt10.toFixed(4),
    grouped(line.throughput.requestsPerSecond),
    `${line.atRate.rate} → ${grouped(line.atRate.requestsPerSecond)}`,
    ["p50", "p95", "p99"].map((name) => milliseconds(line.atRate[name])).join(" / "),
    grouped(line.memory.peak),
    line.bar
      ? `${line.bar.p99} ms${line.bar.throughput ? `, ${line.bar.throughput}/s` : ""}: ${line.bar.kept ? "kept" : "missed"}`
      : "–",
  ]);
  const head = [
    "items",
    "index",
    "recall@10",
    "most requests/s",
    "asked → answered/s",
    "p50 / p95 / p99 ms at that rate",
    "peak MB",
    "bar",
  ];
  return table(head, rows);
}

function behaviour({ visible, reload, fuzz, overload, soak, kill }: Result): string {
  const { under, memory, after } = overload;
  const lost = (store: Result): string =>
    typeof store === "string"
      ? store
      : `${grouped(store.acknowledged)} acknowledged at ${grouped(store.perSecond)}/s, ${store.lost} lost`;
  const [first, last] = [soak.megabytes[0], soak.megabytes.at(-1)];
  const rows = [
    [
      "event, then the next answer",
      `visible in ${grouped(visible.visible)} of ${grouped(visible.tries)} tries`,
    ],
    ["kill −9 while events stream in, DuckDB", lost(kill.embedded)],
    ["kill −9 while events stream in, PostgreSQL", lost(kill.postgres)],
    [
      "reload under load",
      `${reload.reloads} reloads, ${reload.failed + reload.refused} failed requests, p99 ${milliseconds(reload.p99)} ms`,
    ],
    [
      `${grouped(overload.rate)} requests/s, five times what it holds`,
      `${grouped(under.requestsPerSecond)}/s answered, ${grouped(under.refused)} refused (p99 ${milliseconds(under.refusal?.p99 ?? 0)} ms), ${under.failed} failed; ${grouped(memory.before)} → ${grouped(memory.peak)} MB; 2 s later p99 ${milliseconds(after.p99)} ms`,
    ],
    [
      "requests made from the schemas",
      `${grouped(fuzz.requests)} sent: ${fuzz.faults} of 5xx, ${fuzz.traces} stack traces, ${fuzz.broken} broken connections`,
    ],
    ["memory", `${grouped(first)} MB at first, ${grouped(last)} MB after ${grouped(soak.requests)} requests`],
  ];
  return table(["what", "measured"], rows);
}

/** The text between the markers. */
export function servingTables(): string {
  const result = read("serving");
  if (!result) return "Not measured yet: `npm run bench -- serving`.";
  const lead = `Histories of ${result.historyLength}; server and load generator share the machine: ${where(result)}.`;
  return [lead, catalogues(result), behaviour(result)].join("\n\n");
}

/** The page with fresh figures. */
export const servingPage = (page: string): string => between(page, servingTables());

if (process.argv[1] === import.meta.filename) {
  const path = join(root, "docs", "serving.md");
  writeFileSync(path, servingPage(readFileSync(path, "utf8")));
}
