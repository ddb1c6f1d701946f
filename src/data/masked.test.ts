import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Batch, emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import { maskedPredictions } from "./masked.ts";
import { drawMasks, hiddenItem, type Masking } from "./masks.ts";
import type { Sequences } from "./sequences.ts";

function sequencesOf(lists: readonly (readonly number[])[]): Sequences {
  const offsets = Int32Array.from(
    [0, ...lists].map((_, i) => lists.slice(0, i).reduce((sum, l) => sum + l.length, 0)),
  );
  return { offsets, sequence: Int32Array.from(lists.flat()) };
}

const size = { rows: 3, width: 8, maxLength: 6 };

const optionsOf = (sequences: Sequences, masking: Masking, epoch: number, seed = 4) => {
  const masked = { ...masking, predictions: maskedPredictions(sequences, size, masking) };
  return { ...size, masked, seed, epoch };
};

/** All steps of an epoch, each in a batch of its own. */
function batchesOf(histories: readonly number[][], masking: Masking, epoch = 1, seed = 4): Batch[] {
  const sequences = sequencesOf(histories);
  const plan = planEpoch(sequences, optionsOf(sequences, masking, epoch, seed));
  return Array.from({ length: plan.steps }, (_, step) => {
    const batch = emptyBatch(plan.options);
    const predictions = fillBatch(plan, step, batch);
    expect(predictions).toBeGreaterThan(0);
    expect([...batch.weight]).toEqual([...batch.weight.keys()].map((t) => Number(t < predictions)));
    return batch;
  });
}

/** The histories of a batch, hidden items as they were and in a list of their places. */
function historiesOf({ item, position, segment, place, target, history, weight }: Batch) {
  const asked = new Map<number, number>();
  place!.forEach((at, t) => {
    if (weight[t] === 0) return;
    expect(item[at]).toBe(hiddenItem);
    asked.set(at, t);
  });
  const found: { items: number[]; hidden: number[] }[] = [];
  for (let start = 0; start < item.length; start++) {
    if (segment[start] === 0) {
      expect([item[start], position[start]]).toEqual([0, 0]);
      continue;
    }
    const length = position[start]! + 1;
    const places = Array.from({ length }, (_, k) => start + k);
    expect(places.map((at) => position[at])).toEqual(places.map((_, k) => length - 1 - k));
    expect(new Set(places.map((at) => segment[at])).size).toBe(1);
    const hidden = places.filter((at) => item[at] === hiddenItem);
    expect(new Set(hidden.map((at) => history[asked.get(at)!])).size).toBe(1);
    const items = places.map((at) => (item[at] === hiddenItem ? target[asked.get(at)!]! : item[at]!));
    found.push({ items, hidden: hidden.map((at) => at - start) });
    start += length - 1;
  }
  expect(found.reduce((sum, { hidden }) => sum + hidden.length, 0)).toBe(asked.size);
  return found;
}

const lists = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 9 }), { maxLength: 30 });
const maskings = fc.record({
  share: fc.double({ min: 0.01, max: 0.99, noNaN: true }),
  last: fc.constantFrom(0, 0.5, 1),
});

describe("a batch with hidden items", () => {
  it("holds every history once, whole, and predicts what it hides and nothing else", () => {
    fc.assert(
      fc.property(lists, maskings, fc.nat(), (histories, masking, seed) => {
        const found = batchesOf(histories, masking, 1, seed).flatMap(historiesOf);
        const recent = histories.filter(({ length }) => length >= 2).map((h) => h.slice(-size.maxLength));
        expect(found.map(({ items }) => String(items)).sort()).toEqual(recent.map(String).sort());
        for (const { items, hidden } of found) {
          const last = hidden.length === 1 && hidden[0] === items.length - 1;
          const wanted = Math.min(items.length - 1, Math.max(1, Math.round(items.length * masking.share)));
          if (masking.last < 1 && !last) expect(hidden.length).toBe(wanted);
          else expect(last || hidden.length === wanted).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("tells nothing of a hidden item but by its target", () => {
    const histories = Array.from({ length: 12 }, (_, h) => [1, 2, 3, 4, 5].map((i) => 10 * h + i));
    const masking = { share: 0.4, last: 0.2 };
    const seen = (batches: readonly Batch[]) => batches.map(({ target: _, ...batch }) => batch);
    const batches = batchesOf(histories, masking);
    for (const [b, batch] of batches.entries()) {
      const hidden = batch.target[0]!;
      const changed = batchesOf(
        histories.map((history) => history.map((item) => (item === hidden ? 999 : item))),
        masking,
      );
      expect(seen(changed)).toEqual(seen(batches));
      expect(changed[b]!.target[0]).toBe(999);
    }
  });

  it("is the same for the same seed and epoch, and another in another epoch", () => {
    const histories = Array.from({ length: 40 }, (_, h) => [h, h + 1, h + 2, h + 3]);
    const masking = { share: 0.3, last: 0.1 };
    expect(batchesOf(histories, masking, 3)).toEqual(batchesOf(histories, masking, 3));
    expect(batchesOf(histories, masking, 3)).not.toEqual(batchesOf(histories, masking, 4));
    expect(batchesOf(histories, masking, 3)).not.toEqual(batchesOf(histories, masking, 3, 5));
  });

  it("of impossible sizes is refused", () => {
    const masked = { share: 0.2, last: 0, predictions: 7 };
    const refused = { ...size, masked, seed: 0, epoch: 0 };
    expect(() => planEpoch(sequencesOf([[1, 2]]), refused)).toThrow(
      "batch: a row of 8 may have more than 7 predictions; allow at least 8",
    );
    const short = { ...refused, maxLength: 1, masked: { ...masked, predictions: 8 } };
    expect(() => planEpoch(sequencesOf([[1, 2]]), short)).toThrow(
      "batch: of one token none can be hidden; allow histories of at least 2",
    );
  });
});

describe("hidden tokens", () => {
  it("are each as likely as another, but for the last, which some histories hide alone", () => {
    const lengths = new Int32Array(20_000).fill(5);
    const { offsets, places } = drawMasks(lengths, { share: 0.4, last: 0.3 }, { seed: 1, epoch: 2 });
    const hidden = [0, 1, 2, 3, 4].map((k) => places.filter((place) => place === k).length / 20_000);
    const alone = lengths.filter((_, h) => offsets[h + 1]! - offsets[h]! === 1).length / 20_000;
    expect(alone).toBeCloseTo(0.3, 1);
    for (const share of hidden.slice(0, 4)) expect(Math.abs(share - 0.7 * 0.4)).toBeLessThan(0.02);
    expect(Math.abs(hidden[4]! - (0.3 + 0.7 * 0.4))).toBeLessThan(0.02);
  });
});
