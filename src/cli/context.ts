/** @file What a command may touch of the outside world; tests put their own in its place. */

import type { OpenScorer } from "../evaluation/run-folder.ts";
import type { OpenRetriever } from "../training/open-retriever.ts";
import type { TrainOptions, TrainResult } from "../training/progress.ts";

/** A named recipe, as `sequitur recipes` lists it. */
export interface RecipeEntry {
  readonly name: string;
  readonly source: string;
  readonly summary: string;
}

/** The parts of the library that need the engine; loaded only by the commands that use them. */
export interface Engine {
  train(options: TrainOptions): Promise<TrainResult>;
  openScorer: OpenScorer;
  /** Absent where a scorer of everything stands in for it. */
  openRetriever?: OpenRetriever;
  recipes(): Promise<readonly RecipeEntry[]>;
}

export interface Context {
  readonly version: string;
  /** Writes to standard output: results only. */
  out(text: string): void;
  /** Writes to standard error: progress, logs and errors. */
  error(text: string): void;
  /** The columns of the terminal that standard error is, or undefined where it is a file or a pipe. */
  readonly terminalColumns: number | undefined;
  readonly engine: Engine;
  /** Resolves when the user asks a running server to stop. */
  stopped(): Promise<void>;
  /** Calls back whenever the user asks a running server to open its run again; returns what ends that. */
  onReload(callback: () => void): () => void;
}
