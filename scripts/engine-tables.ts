/** @file Writes the tables of docs/results/engine.md between its markers, from the JSON files beside it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { between, grouped, type Result, read, root, table, where } from "./report.ts";

const percent = (share: number): string => `${Math.round(100 * share)} %`;

function roofline(): string[] {
  const result = read("roofline");
  if (!result) return [];
  const row = (name: string, line: Result): string[] => [
    name,
    grouped(line.tokens ?? line.batchTokens),
    String(line.width),
    grouped(line.milliseconds),
    grouped(line.gflops),
    percent(line.share),
  ];
  const rows = [
    ...result.heads.map((line: Result) => row("full-softmax head, forward and backward", line)),
    ...result.trainingSteps.map((line: Result) => row("whole training step of sasrec", line)),
  ];
  const { size, gflops } = result.matrixProduct;
  return [
    "## Share of the machine",
    `A matrix product of ${size} × ${size} runs at ${grouped(gflops)} GFLOP/s here; matrix products alone are counted, so the rest of a step counts against it. 12,101 items. ${where(result)}.`,
    table(["what", "tokens", "width", "ms", "GFLOP/s", "share"], rows),
  ];
}

function profile(): string[] {
  const result = read("profile");
  if (!result) return [];
  const rows = result.kinds.map(({ kind, nodes, milliseconds, share }: Result) => [
    `\`${kind}\``,
    String(nodes),
    milliseconds.toFixed(2),
    percent(share),
  ]);
  return [
    "## Where a step's time goes",
    `The default recipe's training step, ${grouped(result.items)} items: ${grouped(result.stepMilliseconds)} ms. ${where(result)}.`,
    table(["node", "how many", "ms", "share"], rows),
  ];
}

function memory(): string[] {
  const result = read("memory");
  if (!result) return [];
  const size = (megabytes: number): string => grouped(megabytes);
  const softmax = result.fullSoftmax.map((line: Result) => [
    grouped(line.items),
    grouped(line.tokens),
    size(line.weightsAndOptimizerMegabytes),
    size(line.beyondMegabytes),
    grouped(line.stepMilliseconds),
  ]);
  const again = (result.rematerialisation ?? []).map((line: Result) => [
    line.rematerialize ? "blocks computed again" : "all kept",
    size(line.peakMegabytes),
    grouped(line.stepMilliseconds),
  ]);
  const million = result.sampledSoftmax;
  const whole = million
    ? [
        `A whole training with a sample of ${grouped(million["loss.negatives"])} items (sampled-softmax), ${grouped(million.items)} items of width ${million.width}, one epoch: ${size(million.untilFirstStepMegabytes)} MB at most until the first step (co-occurrence start), ${size(million.untilValidatedMegabytes)} MB until it is validated over all items, ${size(million.peakMegabytes)} MB in all.`,
      ]
    : [];
  return [
    "## Memory",
    `One training step of sasrec with the full softmax, width 64, each in a process of its own; "beyond" is the peak of the whole process less weights and optimizer. ${where(result)}.`,
    table(["items", "tokens", "weights and optimizer, MB", "beyond, MB", "step, ms"], softmax),
    "Eight blocks of width 256, 8,192 tokens:",
    table(["activations", "peak, MB", "step, ms"], again),
    ...whole,
  ];
}

function scaledLoss(): string[] {
  const result = read("sce");
  if (!result) return [];
  const rows = result.rows.map((line: Result) => [
    line.each,
    grouped(line.items),
    grouped(line.weightsAndOptimizerMegabytes),
    grouped(line.beyondMegabytes),
    grouped(line.stepMilliseconds),
    grouped(line.processorMilliseconds),
  ]);
  return [
    "## SCE as the catalogue grows",
    `One training step of sasrec with SCE (K = ${result["loss.negatives"]}, α = ${result["loss.alpha"]}), width ${result.width}, ${grouped(result.tokens)} tokens, generated items, each in a process of its own; "beyond" is the peak of the whole process less weights and optimizer. With a draw for each token up to two million rows of the table are read in a step, more than there are items. ${where(result)}, ${result.threads} thread(s).`,
    table(
      ["a draw for each", "items", "weights and optimizer, MB", "beyond, MB", "step, ms", "processor, ms"],
      rows,
    ),
  ];
}

function baselineTable(): string[] {
  const result = read("baselines");
  if (!result) return [];
  const rows = result.rows.map((line: Result) => [
    `\`${line.recipe}\``,
    line.metrics["NDCG@10"].toFixed(4),
    line.metrics["HR@10"].toFixed(4),
    String(line.fitSeconds),
    String(line.seconds),
  ]);
  return [
    "## Baselines",
    `${result.data}, ${result.protocol}; seconds of the fit, and of fit, validation and test together. ${where(result)}, ${result.threads} thread(s).`,
    table(["baseline", "NDCG@10", "HR@10", "fit, s", "in all, s"], rows),
  ];
}

function eventLoop(): string[] {
  const result = read("event-loop");
  if (!result) return [];
  const { p50, p99, max } = result.training;
  return [
    "## The event loop while training",
    `${result.data}, ${result.unit}: median ${p50}, 99 % within ${p99}, longest ${max}. ${where(result)}.`,
  ];
}

function finetuning(): string[] {
  const result = read("finetune");
  if (!result) return [];
  const names: Result = {
    full: "all parameters",
    lora: `updates of rank ${result.rank} of its 1×1 convolutions`,
    frozen: "none of it",
  };
  const rows = result.modes.map((line: Result) => [
    names[line.mode],
    grouped(line.trainedParameters),
    grouped(line.processorMilliseconds),
    grouped(line.stepMilliseconds),
    grouped(line.beyondPicturesMegabytes),
    `${line.trainingLoss.first.toFixed(3)} → ${line.trainingLoss.last.toFixed(3)}`,
    line.heldOut.loss.toFixed(3),
    line.heldOut.meanAveragePrecision.toFixed(3),
    line.slopeError.toExponential(0),
  ]);
  return [
    "## Fine-tuning an image encoder",
    `${result.encoder} under one logit for each of 18 genres, on ${grouped(result.training)} film posters, ${result.epochs} epochs of batches of ${result.batch}; loss and mean average precision on ${grouped(result.heldOut)} other posters. Memory is the peak beyond the pictures. The last column is how far the gradient misses the slope that differences show, relative, in float64. ${where(result)}.`,
    table(
      [
        "trained of the encoder",
        "parameters",
        "processor ms a step",
        "ms",
        "MB",
        "training loss",
        "held-out loss",
        "precision",
        "slope error",
      ],
      rows,
    ),
  ];
}

/** The text between the markers. */
export const engineTables = (): string =>
  [
    ...roofline(),
    ...profile(),
    ...memory(),
    ...scaledLoss(),
    ...baselineTable(),
    ...eventLoop(),
    ...finetuning(),
  ].join("\n\n");

/** The page with fresh tables. */
export const enginePage = (page: string): string => between(page, engineTables());

if (process.argv[1] === import.meta.filename) {
  const path = join(root, "docs", "results", "engine.md");
  writeFileSync(path, enginePage(readFileSync(path, "utf8")));
}
