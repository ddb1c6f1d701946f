/** @file The boundary between a trained model and everything that ranks. */

/** Several histories laid end to end (CSR): history `q` is `items[offsets[q] .. offsets[q + 1])`, oldest item first. */
export interface Histories {
  readonly offsets: Int32Array;
  readonly items: Int32Array;
  /**
   * When each item was met, beside `items`, and when each history is asked about, in seconds since 1970. Where they are
   * not known, a model that reads times takes all of a history as of one moment.
   */
  readonly times?: { readonly met: Float64Array; readonly asked: Float64Array } | undefined;
}

export const historyAt = ({ offsets, items }: Histories, q: number): Int32Array =>
  items.subarray(offsets[q]!, offsets[q + 1]!);

/** Elements of the scores of one call at most: 64 MB. */
const mostScores = 2 ** 24;

/** How many histories to score in a call: more cost memory that must be fetched and gain no time. */
export const scoringBatch = (items: number): number =>
  Math.max(1, Math.min(128, Math.floor(mostScores / items)));

/** Scores every catalogue item for given histories; backed by a model program that runs in a worker. */
export interface Scorer {
  /** N, the number of items in the catalogue. */
  readonly items: number;
  /** How many of the most recent items of a history the model uses. */
  readonly maxLength: number;
  /** The most histories one call takes. */
  readonly batch: number;
  /**
   * Scores row by row, [Q, N] float32, higher is better; 1 ≤ Q ≤ `batch`, no history is empty. The caller only reads
   * them. Calls may overlap: one may be asked while another is under way.
   */
  score(histories: Histories): Promise<Float32Array>;
  /** Frees the program; the scorer cannot be used afterwards. */
  dispose(): Promise<void>;
}
