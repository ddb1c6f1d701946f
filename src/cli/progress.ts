/** @file Progress on standard error: one line that is rewritten on a terminal, plain lines elsewhere. */

import type { TrainProgress } from "../training/progress.ts";
import type { Context } from "./context.ts";

export interface ProgressLine {
  /** Replaces the line on a terminal; says nothing elsewhere. */
  update(text: string): void;
  /** Writes a line that stays. */
  keep(text: string): void;
  /** Removes the line that `update` left. */
  clear(): void;
}

const ERASE_LINE = "\r\u001b[2K";

/** The progress line of a command. */
export function createProgressLine(context: Context): ProgressLine {
  const columns = context.terminalColumns;
  let shown = false;
  const clear = () => {
    if (shown) context.error(ERASE_LINE);
    shown = false;
  };
  return {
    update(text) {
      if (columns === undefined) return;
      context.error(`${ERASE_LINE}${[...text].slice(0, Math.max(1, columns - 1)).join("")}`);
      shown = true;
    },
    keep(text) {
      clear();
      context.error(`${text}\n`);
    },
    clear,
  };
}

/** Shows the progress of a training: every epoch stays, steps are rewritten. */
export function showTraining(line: ProgressLine): (event: TrainProgress) => void {
  return (event) => {
    if (event.kind === "message") line.keep(event.text ?? "");
    else if (event.kind === "epoch") line.keep(trainingText(event));
    else line.update(trainingText(event));
  };
}

/** One line: epoch, loss, interactions a second, time left, validation metrics. */
export function trainingText(event: TrainProgress): string {
  const { epoch, epochs, step, steps, loss, interactionsPerSecond, secondsLeft, validation } = event;
  const at = event.kind === "step" ? `, step ${step}/${steps}` : "";
  const metrics = validation?.["NDCG@10"];
  return [
    `epoch ${epoch}/${epochs}${at}`,
    `loss ${loss.toFixed(4)}`,
    `${grouped(Math.round(interactionsPerSecond))} interactions/s`,
    `${duration(secondsLeft)} left`,
    ...(metrics === undefined ? [] : [`validation NDCG@10 ${metrics.toFixed(4)}`]),
  ].join(" · ");
}

/** A whole number with commas between thousands. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US");
}

/** Seconds as "8 s", "1 min 05 s" or "2 h 03 min". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "unknown time";
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
