/** @file Training batches with hidden items: histories packed end to end, whose hidden tokens predict what they hide. */

import { ConfigError } from "../tensor/errors.ts";
import type { Batch, BatchOptions, Epoch } from "./batches.ts";
import { drawMasks, expectedHidden, hiddenItem, type Masking, type Masks } from "./masks.ts";
import { type Packing, packRows } from "./pack.ts";
import type { Sequences } from "./sequences.ts";

/** What is hidden in the rows. */
export interface Masked extends Masking {
  /** The most predictions of a step (T), at least those of a row. */
  readonly predictions: number;
}

export type MaskedOptions = BatchOptions & Masked;

/**
 * Plans an epoch whose histories are whole, each with another choice of hidden items; a step has R rows, or as many as
 * have T predictions.
 *
 * @throws ConfigError where nothing can be hidden, or a row may have more predictions than a step
 */
export function planMasked(sequences: Sequences, options: MaskedOptions): Epoch {
  const { width, maxLength, predictions, seed, epoch } = options;
  const refuse = (what: string): never => {
    throw new ConfigError("bad-batch", `batch: ${what}`, { maxLength, width, predictions });
  };
  if (maxLength < 2) refuse("of one token none can be hidden; allow histories of at least 2");
  if (predictions < width)
    refuse(`a row of ${width} may have more than ${predictions} predictions; allow at least ${width}`);
  const lengths = maskedLengths(sequences, maxLength);
  const packing = packRows({ lengths, width, seed, epoch });
  const masks = drawMasks(lengths, options, { seed, epoch });
  const starts = stepStarts(packing, masks, options);
  const plan = { sequences, packing, lengths, masks };
  return {
    options,
    steps: starts.length - 1,
    rows: packing.rows,
    tokens: masks.places.length,
    utilisation: packing.utilisation,
    fill: (step, batch) => fillRows(plan, { from: starts[step]!, to: starts[step + 1]!, width }, batch),
  };
}

/** Tokens of each history: its most recent items; none where it has only one. */
function maskedLengths({ offsets }: Sequences, maxLength: number): Int32Array {
  const lengths = new Int32Array(offsets.length - 1);
  for (let h = 0; h < lengths.length; h++) {
    const items = offsets[h + 1]! - offsets[h]!;
    if (items >= 2) lengths[h] = Math.min(items, maxLength);
  }
  return lengths;
}

/**
 * T for steps of so many rows: a tenth more predictions than these have on average, so that few steps end before their
 * rows are full, and never less than a single row can have.
 */
export function maskedPredictions(
  sequences: Sequences,
  { rows, width, maxLength }: Pick<BatchOptions, "rows" | "width" | "maxLength">,
  masking: Masking,
): number {
  const lengths = maskedLengths(sequences, maxLength);
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const share = expectedHidden(lengths, masking) / Math.max(1, tokens);
  const places = rows * width;
  return Math.min(places, Math.max(width, Math.ceil(1.1 * share * places)));
}

/** The first row of each step, and the number of rows. */
function stepStarts(
  { rows: count, offsets, members }: Packing,
  masks: Masks,
  { rows, predictions }: MaskedOptions,
): Int32Array {
  const starts = [0];
  let used = 0;
  for (let row = 0; row < count; row++) {
    let more = 0;
    for (let i = offsets[row]!; i < offsets[row + 1]!; i++)
      more += masks.offsets[members[i]! + 1]! - masks.offsets[members[i]!]!;
    if (row - starts.at(-1)! === rows || used + more > predictions) {
      starts.push(row);
      used = 0;
    }
    used += more;
  }
  return Int32Array.from(count > 0 ? [...starts, count] : starts);
}

interface Plan {
  readonly sequences: Sequences;
  readonly packing: Packing;
  readonly lengths: Int32Array;
  readonly masks: Masks;
}

function fillRows(
  { sequences: { offsets, sequence }, packing, lengths, masks }: Plan,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
  { item, position, segment, place: places, target, history: owners, weight }: Batch,
): number {
  let predictions = 0;
  for (let row = from; row < to; row++) {
    let place = (row - from) * width;
    for (let i = packing.offsets[row]!; i < packing.offsets[row + 1]!; i++) {
      const history = packing.members[i]!;
      const length = lengths[history]!;
      const start = offsets[history + 1]! - length;
      for (let k = 0; k < length; k++) {
        item[place + k] = sequence[start + k]!;
        position[place + k] = length - 1 - k;
        segment[place + k] = i - packing.offsets[row]! + 1;
      }
      for (let k = masks.offsets[history]!; k < masks.offsets[history + 1]!; k++, predictions++) {
        const hidden = masks.places[k]!;
        places![predictions] = place + hidden;
        target[predictions] = sequence[start + hidden]!;
        owners[predictions] = history;
        weight[predictions] = 1;
        item[place + hidden] = hiddenItem;
      }
      place += length;
    }
  }
  return predictions;
}
