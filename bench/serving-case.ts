/** @file What the cases of the serving benchmark share: questions, bars, what a case is told. */
import { stream } from "../src/tensor/random.ts";
import { itemId } from "./serving-run.ts";

/** What was promised, what was measured, and whether it was kept. */
export interface Bar {
  readonly what: string;
  readonly bar: string;
  readonly measured: string;
  readonly kept: boolean;
}

export interface CaseResult {
  readonly bars: readonly Bar[];
  readonly [detail: string]: unknown;
}

export interface CaseOptions {
  /** The folder of a generated run of so many items, written where it is not there yet. */
  readonly runOf: (items: number) => Promise<string>;
  /** A part of the full length of a measurement in seconds, at least two. */
  readonly seconds: (full: number) => number;
  /** A part of the full number of tries, at least a hundred. */
  readonly tries: (full: number) => number;
  /** Requests of the memory measurement. */
  readonly soak: number;
  readonly onProgress: (message: string) => void;
}

/** Items of each history. */
export const historyLength = 20;

/** Bodies that ask for ten items after a history of twenty. */
export function bodies(items: number, count = 500): string[] {
  const draws = new Float32Array(count * historyLength);
  stream(7, "bench", "histories").fillUniform(draws);
  return Array.from({ length: count }, (_, at) => {
    const part = draws.subarray(at * historyLength, (at + 1) * historyLength);
    return JSON.stringify({ history: Array.from(part, (draw) => itemId(Math.floor(draw * items))), k: 10 });
  });
}

/** A bar that a number may not pass. */
export const atMost = (what: string, limit: number, measured: number, unit: string): Bar => ({
  what,
  bar: `≤ ${limit}${unit}`,
  measured: `${shown(measured)}${unit}`,
  kept: measured <= limit,
});

/** A bar that a number must reach. */
export const atLeast = (what: string, limit: number, measured: number, unit = ""): Bar => ({
  what,
  bar: `≥ ${limit}${unit}`,
  measured: `${shown(measured)}${unit}`,
  kept: measured >= limit,
});

const shown = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(4)));
