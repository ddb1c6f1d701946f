/** @file Writes the tables of README.md between its markers, from the JSON files in docs/results/. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { between, grouped, type Result, read, root, table, where } from "./report.ts";

const decimals = (value: number, digits: number): string => value.toFixed(digits).replace(/^0\./, ".");

function quality(): string[] {
  const names = readdirSync(join(root, "docs", "results")).filter((name) => /^quality-.*\.json$/.test(name));
  const results = names.map((name) => read(name.replace(".json", "")));
  if (results.length === 0) return [];
  const rows = results.map((set: Result) => {
    const range = (key: string) =>
      `${decimals(set.mean[key], 4)} (${decimals(set.spread[key].min, 4)}–${decimals(set.spread[key].max, 4)})`;
    const popular = set.runs[0].baselines.popularity["NDCG@10"];
    const { min, max } = set.secondsOfTraining;
    const memory = Math.max(...set.runs.map((run: Result) => run.peakGigabytes)).toFixed(2);
    const seconds = `${grouped(min)}–${grouped(max)}`;
    return [
      set.data,
      range("HR@10"),
      range("NDCG@10"),
      decimals(popular, 4),
      seconds,
      memory,
      String(set.seeds.length),
    ];
  });
  return [
    `Recipe \`sasrec\` with its defaults, ${results[0].protocol}: mean (lowest–highest) over seeds. ${where(results[0])}.`,
    table(
      ["data", "HR@10", "NDCG@10", "popularity NDCG@10", "seconds of training", "peak GB", "seeds"],
      rows,
    ),
  ];
}

function training(): string[] {
  const result = read("training");
  if (!result) return [];
  const times = (ratio: number | null) => (ratio === null ? "" : `${ratio} ×`);
  const rows = result.sequitur.map((line: Result) => [
    `Sequitur, ${line.settings}, ${grouped(line.batchTokens)} tokens a step`,
    grouped(line.interactionsPerSecond.median),
    times(line.timesPyTorchPadded),
    times(line.timesPyTorchPacked),
  ]);
  for (const batching of ["padded", "packed"] as const) {
    const speed = result.pytorch[batching]?.median;
    if (speed) rows.push([`PyTorch ${result.pytorch.version}, ${batching}`, grouped(speed), "", ""]);
  }
  return [
    `Training SASRec with the full softmax on ${result.data} (${grouped(result.items)} items), turn by turn in one run. ${where(result)}.`,
    table(["", "interactions a second (median)", "of PyTorch padded", "of PyTorch packed"], rows),
  ];
}

function imports(): string[] {
  const result = read("import");
  if (!result) return [];
  const rows = result.rows.map((row: Result) => [
    grouped(row.interactions),
    row.type,
    row.seconds.toFixed(1),
    row.peakGigabytes.toFixed(2),
  ]);
  return [
    `Import to the 5-core. ${where(result)}.`,
    table(["interactions", "file", "seconds", "peak GB"], rows),
  ];
}

function serving(): string[] {
  const result = read("serving");
  if (!result) return [];
  const { items, throughput, atRate } = result.cases["12k"];
  const most = `${grouped(throughput.requestsPerSecond)} requests/s over ${grouped(items)} items`;
  const latency = `at ${grouped(atRate.rate)}/s a 99th percentile of ${atRate.p99.toFixed(1)} ms`;
  return [
    `The service on the same cores as its load: ${most}, and ${latency}; all its promises, kept or not, are in \`docs/serving.md\`.`,
  ];
}

/** The text between the markers. */
export function tables(): string {
  const evaluation = read("evaluation");
  const evaluated = evaluation
    ? [
        `Full-ranking evaluation of ${grouped(evaluation.users)} users × ${grouped(evaluation.items)} items: ${evaluation.seconds.median} s (median of five).`,
      ]
    : [];
  return [...quality(), ...training(), ...evaluated, ...imports(), ...serving()].join("\n\n");
}

/** README text with fresh tables. */
export const withTables = (readme: string): string => between(readme, tables());

if (process.argv[1] === import.meta.filename) {
  const path = join(root, "README.md");
  writeFileSync(path, withTables(readFileSync(path, "utf8")));
}
