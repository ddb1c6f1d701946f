/** @file Writes the figures of docs/tpme.md between its markers, from docs/results/tpme.json. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { titles, type Way } from "../bench/tpme-models.ts";
import { between, grouped, type Result, read, root, short, table, where } from "./report.ts";

const title = (way: Way): string => titles[way];

function costs({ rows, againstFull = {} }: Result): string {
  const lines = rows.map((row: Result) => {
    const test = againstFull[row.way];
    return [
      title(row.way),
      short(row.metrics["NDCG@10"]),
      test ? test.p.toPrecision(2) : "",
      row.epochProcessorSeconds.toPrecision(3),
      row.epochSeconds.toPrecision(3),
      grouped(row.trainedParameters),
      grouped(row.peakMegabytes),
      row.tpme.toFixed(3),
    ];
  });
  const head = [
    "way of training",
    "NDCG@10",
    "p against full fine-tuning",
    "s of the processor an epoch",
    "s by the clock",
    "trained parameters",
    "peak MB",
    "TPME",
  ];
  return table(head, lines);
}

/** How far the first losses of cached and computed states are apart, as a share. */
function firstApart(ways: readonly Result[]): string {
  const [cached, computed] = ["iisan-cached", "iisan-computed"].map((name) =>
    ways.find(({ way }) => way === name),
  );
  const [a, b] = [cached!.losses[0], computed!.losses[0]];
  return (Math.abs(a - b) / Math.abs(a)).toExponential(1);
}

function bars({ bars: each, lossesApart, rows: ways }: Result): string[] {
  if (!each) return [];
  const rows = each.map(({ what, bar, measured, kept }: Result) => [
    what,
    bar,
    measured,
    kept ? "yes" : "**no**",
  ]);
  const law =
    lossesApart === undefined
      ? []
      : [
          `Losses of IISAN with states that are cached and with states that are computed in each step differ by ${firstApart(ways)} of their size in the first epoch, and by at most ${lossesApart} in any: rounding, which training makes grow.`,
        ];
  return [table(["what", "promised", "measured", "kept"], rows), ...law];
}

/** What was measured, and how. */
function settings(result: Result): string {
  const { counts, fewestEvents, settings: set, rows, textEncoder, imageEncoder, encoding } = result;
  const loads = rows.map(({ load }: Result) => load);
  const [users, epochs, tokens] = ["users", "epochs", "batchTokens"].map((name) => set[`training.${name}`]);
  return [
    `\`${result.command}\`, commit \`${result.commit}\`, ${result.date}, ${where(result)}, ${result.threads === 1 ? "one thread" : `${result.threads} threads`}.`,
    `Data: ${result.data}, the ${grouped(counts.items)} films with at least ${grouped(fewestEvents)} events; ${grouped(100 * users)} % of ${grouped(counts.users)} users are trained on, all are tested.`,
    `${epochs} epochs in steps of ${grouped(tokens)} tokens, full softmax, so that each step reads every film; one seed.`,
    `Text encoder: a transformer of ${textEncoder.layers} layers, ${textEncoder.width} wide, ${grouped(textEncoder.parameters)} parameters, that has learned words from the films' texts.`,
    `Image encoder: ${imageEncoder.file}, pictures of ${imageEncoder.side} × ${imageEncoder.side}, ${grouped(imageEncoder.parameters)} parameters.`,
    `Encoding everything once, which frozen features and cached states need, took ${encoding.processorSeconds} s of the processor.`,
    `Other programs ran beside: the machine's load was ${Math.min(...loads)} to ${Math.max(...loads)}, so seconds of the processor count, and those by the clock are told for completeness. Popularity: NDCG@10 ${short(rows[0].popularity)}.`,
  ].join(" ");
}

/** The text between the markers. */
export function tpmeTables(result: Result = read("tpme")): string {
  if (!result) return "Not measured yet: `npm run bench -- tpme`.";
  return [settings(result), costs(result), ...bars(result)].join("\n\n");
}

/** The page with fresh figures. */
export const tpmePage = (page: string): string => between(page, tpmeTables());

if (process.argv[1] === import.meta.filename) {
  const path = join(root, "docs", "tpme.md");
  writeFileSync(path, tpmePage(readFileSync(path, "utf8")));
}
