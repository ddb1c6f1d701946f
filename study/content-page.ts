/** @file docs/content.md, from the runs of the study. */
import type { z } from "zod";
import type { EncodeResult } from "../bench/encode.ts";
import { grouped, spreadText, table } from "../scripts/report.ts";
import type { Comparison } from "../src/evaluation/compare.ts";
import { significanceText } from "../src/evaluation/significance.ts";
import type { ContentRun } from "./content.ts";
import { type ContentRow, contentData, contentSets } from "./content-rows.ts";

type Metrics = Readonly<Record<string, number>>;
type Told = Pick<ContentRun, "metrics"> & Record<"warm" | "cold", { readonly metrics: Metrics }>;

const line = (title: string, runs: readonly Told[], seeds: string): string[] => [
  title,
  spreadText(runs.map(({ metrics }) => metrics["NDCG@10"]!)),
  spreadText(runs.map(({ warm }) => warm.metrics["NDCG@10"]!)),
  spreadText(runs.map(({ cold }) => cold.metrics["HR@10"]!)),
  spreadText(runs.map(({ cold }) => cold.metrics["NDCG@10"]!)),
  seeds,
];

/** The untrained neighbours of a run, as if they were a model; nothing where it has none. */
const neighboursOf = ({ neighbours, warm, cold }: ContentRun): Told[] =>
  neighbours && warm.neighbours && cold.neighbours
    ? [{ metrics: neighbours, warm: { metrics: warm.neighbours }, cold: { metrics: cold.neighbours } }]
    : [];

/** A line for each kind of neighbours, each removal once. */
function neighbourLines(rows: readonly ContentRow[], runs: readonly ContentRun[]): string[][] {
  const kinds = [...new Set(rows.flatMap(({ near }) => near ?? []))];
  return kinds.flatMap((kind) => {
    const names = rows.filter(({ near }) => near === kind).map(({ name }) => name);
    const untrained = oneEach(runs.filter(({ row }) => names.includes(row))).flatMap(neighboursOf);
    return untrained.length === 0
      ? []
      : [line(`neighbours by ${kind}, untrained`, untrained, String(untrained.length))];
  });
}

/** Of runs with the same seed, one: what is not trained is the same in all. */
const oneEach = (runs: readonly ContentRun[]): ContentRun[] => [
  ...new Map(runs.map((run) => [run.seed, run])).values(),
];

/** What a paired test says of items that training knew all of. */
const tested = ({ tests }: Comparison): string[] => [
  "## With all items in training, amazon-beauty",
  "The leaderboard's runs of the same recipe with and without ids and texts, one configuration against another by the same users, as `sequitur compare RUN… --json` wrote it into `results/compare-amazon-beauty.json`:",
  `\`\`\`\n${significanceText(tests)}\n\`\`\``,
];

/** How long encoding takes. */
function encoded({ rows, machine, threads }: z.infer<typeof EncodeResult>): string[] {
  const lines = rows.map(({ what, data, encoded: items, dim, seconds, bar, again }) => [
    `${data}: ${what}`,
    grouped(items),
    String(dim),
    seconds.toFixed(1),
    bar === undefined ? "" : `≤ ${bar} ${seconds <= bar ? "✓" : "✗"}`,
    `${again.seconds.toFixed(1)} (${again.encoded} encoded)`,
  ]);
  return [
    "## How long encoding takes",
    `Whole commands, with the start of Node, the reading of the data and the report; ${machine.cores} cores of ${machine.processor}, ${threads} threads; \`npm run bench -- encode\`.`,
    table(["", "items encoded", "columns", "s", "bar", "s, once more"], lines),
  ];
}

/** The page. */
export function contentPage(
  runs: readonly ContentRun[],
  compared: readonly Comparison[] = [],
  encoding?: z.infer<typeof EncodeResult>,
): string {
  const parts = contentData.flatMap((data) => {
    const own = runs.filter((run) => run.data === data);
    if (own.length === 0) return [];
    const { rows, about } = contentSets[data]!;
    const lines = rows.flatMap(({ name, title }) => {
      const each = own.filter(({ row }) => row === name);
      return each.length === 0 ? [] : [line(title, each, String(each.length))];
    });
    const targets = oneEach(own).map(({ cold }) => cold.users);
    const { items } = own[0]!;
    return [
      `## ${data}`,
      `${items.toLocaleString("en-US")} items, of which a twentieth is removed; ${Math.min(...targets)}–${Math.max(...targets)} users whose target is a removed item. By chance a cold target is among ten with probability ${(10 / items).toFixed(4).replace(/^0\./, ".")}.${about === undefined ? "" : ` ${about}`}`,
      table(
        ["", "NDCG@10, all", "NDCG@10, warm", "HR@10, cold", "NDCG@10, cold", "removals"],
        [...neighbourLines(rows, own), ...lines],
      ),
    ];
  });
  const head = [
    "# What content is worth",
    "A twentieth of the items, drawn by the seed, is taken out of training altogether (`train --cold 0.05`); a target is cold where it is one of them, and is ranked among all items. Recipe `sasrec-text` and parts of it; leave-one-out, test part, history left out; mean (lowest–highest) over seeds, each with its own removal.",
    "Written by `npm run tables` from `results/content.json`, which `npm run study -- content` measures.",
  ];
  return `${[...head, ...parts, ...compared.flatMap(tested), ...(encoding ? encoded(encoding) : [])].join("\n\n")}\n`;
}
