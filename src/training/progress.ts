/** @file What training tells while it runs and when it is done. */

/** One report of a running training: after some steps, after an epoch, or a sentence for the user. */
export interface TrainProgress {
  readonly kind: "epoch" | "step" | "message";
  /** Epochs count from 1; `epochs` is the most there can be, early stopping may end before. */
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  /** Mean loss of the epoch so far. */
  readonly loss: number;
  readonly interactionsPerSecond: number;
  readonly secondsLeft: number;
  /** Validation metrics by name, such as "NDCG@10"; only where this epoch was validated. */
  readonly validation?: Readonly<Record<string, number>>;
  /** The sentence of a message. */
  readonly text?: string;
}

/** What a finished training leaves behind. */
export interface TrainResult {
  /** The run folder. */
  readonly run: string;
  readonly bestEpoch: number;
  readonly epochs: number;
  readonly seconds: number;
  /** Validation metrics of the best epoch. */
  readonly validation: Readonly<Record<string, number>>;
}

/** What training is asked to do. */
export interface TrainOptions {
  /** The dataset folder. */
  readonly data: string;
  /** The run folder to write. */
  readonly out: string;
  readonly recipe?: string;
  /** A configuration as JSON; its keys replace those of the recipe. */
  readonly config?: unknown;
  /** Single settings that replace those of recipe and configuration, such as training.epochs. */
  readonly set?: readonly { readonly path: string; readonly value: unknown }[];
  /** A finished run whose weights are those to start from; without a recipe, its settings are, too. */
  readonly init?: string;
  /** Parameters that stay as they start, and parts of which all do; the setting training.freeze. */
  readonly freeze?: readonly string[];
  readonly seed?: number;
  /** Continues an interrupted training in `out`. */
  readonly resume?: boolean;
  readonly onProgress?: (event: TrainProgress) => void;
}
