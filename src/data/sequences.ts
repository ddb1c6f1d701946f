/** @file The in-memory form of histories: compressed rows (CSR) of item indices. */

/** Lists of item indices laid end to end: list `i` is `sequence[offsets[i] .. offsets[i + 1])`. */
export interface Sequences {
  readonly offsets: Int32Array;
  readonly sequence: Int32Array;
  /** Seconds since 1970 beside `sequence`, where they are known. */
  readonly times?: Float64Array | undefined;
}

/** Questions to a model: case `c` is user `users[c]`, the full history before the target (CSR), and the target item. */
export interface Cases {
  readonly users: Int32Array;
  readonly offsets: Int32Array;
  readonly history: Int32Array;
  readonly target: Int32Array;
  /** Seconds since 1970 beside `history`, and of each target, where they are known. */
  readonly times?: { readonly history: Float64Array; readonly target: Float64Array } | undefined;
}

/** A run of positions `[start, end)` in a sequence. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Copies one span per list into new compressed rows, times included; `spanOf(i)` may be empty. */
export function gather(
  source: Omit<Sequences, "offsets">,
  count: number,
  spanOf: (index: number) => Span,
): Sequences {
  const offsets = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const { start, end } = spanOf(i);
    offsets[i + 1] = offsets[i]! + (end - start);
  }
  const sequence = new Int32Array(offsets[count]!);
  const times = source.times && new Float64Array(sequence.length);
  for (let i = 0; i < count; i++) {
    const { start, end } = spanOf(i);
    for (let from = start, to = offsets[i]!; from < end; from++, to++) {
      sequence[to] = source.sequence[from]!;
      if (times) times[to] = source.times![from]!;
    }
  }
  return { offsets, sequence, times };
}

/** How many items of each history are learned from: all but its last, of the most recent ones. */
export function inputLengths({ offsets }: Sequences, maxLength: number): Int32Array {
  const lengths = new Int32Array(offsets.length - 1);
  for (let i = 0; i < lengths.length; i++) {
    lengths[i] = Math.max(0, Math.min(offsets[i + 1]! - offsets[i]! - 1, maxLength));
  }
  return lengths;
}
