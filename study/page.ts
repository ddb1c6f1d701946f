/** @file docs/leaderboard.md, from the records of the runs. */
import { grouped, mean, short, spreadText, table } from "../scripts/report.ts";
import { type DataName, dataNames } from "./data-sets.ts";
import { type Plan, planOf, seedsOf } from "./plan.ts";
import { answers, type RunRecord } from "./record.ts";
import type { Row } from "./rows.ts";

/** A row's runs on one data set under one protocol. */
interface Measured {
  readonly row: Row;
  readonly data: DataName;
  readonly records: readonly RunRecord[];
}

const metric = (records: readonly RunRecord[], name: string): number[] =>
  records.map((record) => record.metrics![name]!);

function barText({ row, data, records }: Measured): string {
  const bar = row.bars?.[data];
  if (bar === undefined) return "";
  const value = mean(metric(records, "NDCG@10"));
  const [low, high] = typeof bar === "number" ? [bar, Number.POSITIVE_INFINITY] : bar;
  const asked = typeof bar === "number" ? `≥ ${short(bar)}` : `${short(bar[0])}–${short(bar[1])}`;
  return `${asked} ${value >= low && value <= high ? "✓" : "✗"}`;
}

function publishedText({ hr, ndcg }: { readonly hr?: string; readonly ndcg: string }): string {
  return hr === undefined ? ndcg : `${ndcg} (HR@10 ${hr})`;
}

const range = (values: readonly number[], digits = 0): string => {
  const [low, high] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)];
  return low === high ? low : `${low}–${high}`;
};

/** Sources are numbered under the table, in the order in which they appear. */
function tableOf(measured: readonly Measured[]): string {
  const sources: string[] = [];
  const cited = (text: string): number => {
    if (!sources.includes(text)) sources.push(text);
    return sources.indexOf(text) + 1;
  };
  const lines = measured.map((line) => {
    const { row, data, records } = line;
    const published = row.published?.[data];
    const { parameters } = records[0]!;
    return [
      row.title,
      spreadText(metric(records, "NDCG@10")),
      spreadText(metric(records, "HR@10")),
      String(records.length),
      published === undefined ? "" : `${publishedText(published)} [${cited(published.source)}]`,
      barText(line),
      parameters === null ? "" : grouped(parameters),
      range(records.map((r) => r.epochs)),
      range(records.map((r) => r.seconds.cpu)),
      range(records.map((r) => r.seconds.wall)),
      range(
        records.map((r) => r.peakGigabytes),
        1,
      ),
    ];
  });
  const head = "row|NDCG@10|HR@10|seeds|published NDCG@10|bar|parameters|epochs|CPU s|wall s|peak GB";
  const notes = sources.map((source, k) => `[${k + 1}] ${source}`);
  return [table(head.split("|"), lines), ...(notes.length > 0 ? [notes.join("  \n")] : [])].join("\n\n");
}

/** What was measured on a data set, for each fingerprint. */
function byFingerprint(plan: Plan, rows: readonly Row[], records: readonly RunRecord[], data: DataName) {
  const groups = new Map<string, Measured[]>();
  for (const row of rows) {
    const jobs = plan.jobs.filter((job) => job.row === row.name && job.data === data);
    const own = records.filter((r) => r.row === row.name && jobs.some((job) => answers(r, job)));
    for (const fingerprint of new Set(own.map((r) => r.fingerprint!))) {
      const measured = { row, data, records: own.filter((r) => r.fingerprint === fingerprint) };
      groups.set(fingerprint, [...(groups.get(fingerprint) ?? []), measured]);
    }
  }
  return groups;
}

/** What a row is set to on this data set alone. */
function ownSettings({ title, setOn }: Row, data: DataName): string[] {
  const settings = Object.entries(setOn?.[data] ?? {}).map(([path, value]) => `${path} ${value}`);
  return settings.length === 0 ? [] : [`Settings of its own here, ${title}: ${settings.join(", ")}.`];
}

function dataSection(
  plan: Plan,
  rows: readonly Row[],
  records: readonly RunRecord[],
  data: DataName,
): string[] {
  const sections = [...byFingerprint(plan, rows, records, data)].map(([fingerprint, measured]) => {
    const ordered = measured.toSorted(
      (a, b) => mean(metric(b.records, "NDCG@10")) - mean(metric(a.records, "NDCG@10")),
    );
    const single = ordered.filter((m) => m.records.length === 1 && seedsOf(m.row, data).length === 1);
    const slow = single.filter((m) => m.row.oneSeed?.includes(data)).map((m) => m.row.title);
    const note =
      slow.length > 0 ? [`One seed, because a seed takes longer than 20 minutes: ${slow.join("; ")}.`] : [];
    const own = ordered.flatMap(({ row }) => ownSettings(row, data));
    return [`Fingerprint of the protocol: \`${fingerprint}\`.`, tableOf(ordered), ...note, ...own].join(
      "\n\n",
    );
  });
  return sections.length === 0 ? [] : [`## ${data}`, ...sections];
}

function missing(plan: Plan, rows: readonly Row[], records: readonly RunRecord[]): string[] {
  const lines = rows.flatMap((row) => {
    const absent = plan.absent.find((entry) => entry.row === row);
    if (absent) return [`- ${row.title}: ${absent.why}`];
    const open = plan.jobs.filter(
      (job) => job.row === row.name && !records.some((r) => r.row === row.name && answers(r, job)),
    );
    const sets = [...new Set(open.map((job) => job.data))].map((data) => {
      const seeds = open.filter((job) => job.data === data).map((job) => job.seed);
      return `${data} (${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")})`;
    });
    return sets.length === 0 ? [] : [`- ${row.title}: ${sets.join(", ")}`];
  });
  return lines.length === 0 ? [] : ["## Not run yet", lines.join("\n")];
}

/** The whole page. Only runs with the settings that a row has now are shown. */
export function leaderboardPage(rows: readonly Row[], records: readonly RunRecord[]): string {
  const plan = planOf(rows);
  const machines = [
    ...new Set(records.map(({ machine }) => `${machine.cores} cores of ${machine.processor}`)),
  ];
  const threads = range(records.map((record) => record.threads));
  const head = [
    "# Leaderboard",
    "Written by `npm run study -- leaderboard` (and `npm run tables`) from the records in `results/leaderboard/`; each holds its command, settings, commit, machine and all metrics.",
    "Protocol: leave-one-out, test part, all items ranked, items of the history left out, ties count against the model; the epoch is chosen by validation NDCG@10. Mean (lowest–highest) over seeds. CPU s are seconds of all cores together for one training with its validations, wall s those on the clock, which other work on the machine makes longer.",
  ];
  if (machines.length > 0) head.push(`Measured on ${machines.join("; ")}, ${threads} threads a training.`);
  const sections = dataNames.flatMap((data) => dataSection(plan, rows, records, data));
  return `${[...head, ...sections, ...missing(plan, rows, records)].join("\n\n")}\n`;
}
