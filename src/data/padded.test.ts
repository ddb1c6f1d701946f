import fc from "fast-check";
import { expect, test } from "vitest";
import { type Batch, type BatchOptions, emptyBatch, fillBatch, planEpoch } from "./batches.ts";
import { paddedRows } from "./padded.ts";
import type { Sequences } from "./sequences.ts";

function sequencesOf(lists: readonly (readonly number[])[]): Sequences {
  const offsets = Int32Array.from(
    [0, ...lists].map((_, i) => lists.slice(0, i).reduce((sum, l) => sum + l.length, 0)),
  );
  return { offsets, sequence: Int32Array.from(lists.flat()) };
}

/** Every row as "its items>the targets of the items that predict", with padding at its left. */
function rowsOf({ item, segment, position, place, target, weight }: Batch, width: number): string[] {
  const count = weight.reduce((a, b) => a + b, 0);
  expect([...weight]).toEqual([...weight.keys()].map((t) => Number(t < count)));
  return Array.from({ length: item.length / width }, (_, row) => {
    const columns = Array.from({ length: width }, (_, k) => row * width + k);
    const own = columns.filter((k) => segment[k] === 1);
    expect(own).toEqual(columns.slice(width - own.length));
    expect(own.map((k) => position[k])).toEqual(own.map((_, i) => own.length - 1 - i));
    for (const k of columns.slice(0, width - own.length)) expect([item[k], position[k]]).toEqual([0, 0]);
    const predicting = [...place!.keys()].filter((t) => t < count && own.includes(place![t]!));
    const shown = predicting.map((t) => `${place![t]! - row * width}:${target[t]}`);
    return `${own.map((k) => item[k])}>${shown}`;
  }).filter((row) => row !== ">");
}

function epochRows(histories: readonly number[][], options: BatchOptions): string[] {
  const epoch = planEpoch(sequencesOf(histories), options);
  const batch = emptyBatch(options);
  const steps = Array.from({ length: epoch.steps }, (_, step) => {
    const predictions = fillBatch(epoch, step, batch);
    expect(predictions).toBe(batch.weight.reduce((a, b) => a + b, 0));
    expect(predictions).toBeGreaterThan(0);
    return { predictions, rows: rowsOf(batch, options.width) };
  });
  expect(steps.reduce((sum, { predictions }) => sum + predictions, 0)).toBe(epoch.tokens);
  return steps.flatMap(({ rows }) => rows);
}

const lists = fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { maxLength: 9 }), { maxLength: 30 });
const size = { rows: 4, width: 6, maxLength: 6 };
const recent = (histories: readonly number[][]): number[][] =>
  histories.filter((history) => history.length >= 2).map((history) => history.slice(-size.maxLength - 1));

test("every history is a row of its own, and all of its items predict", () => {
  fc.assert(
    fc.property(lists, fc.integer(), (histories, seed) => {
      const padded = { predictions: 13, targets: "all" } as const;
      const rows = epochRows(histories, { ...size, seed, epoch: 1, padded });
      const expected = recent(histories).map((history) => {
        const first = size.width - history.length + 1;
        return `${history.slice(0, -1)}>${history.slice(1).map((target, i) => `${first + i}:${target}`)}`;
      });
      expect(rows.sort()).toEqual(expected.sort());
    }),
  );
});

test("every beginning of a history is a row of its own, and its last item predicts", () => {
  fc.assert(
    fc.property(lists, fc.integer(), (histories, seed) => {
      const padded = { predictions: 4, targets: "last" } as const;
      const rows = epochRows(histories, { ...size, seed, epoch: 1, padded });
      const expected = recent(histories).flatMap((history) =>
        history.slice(1).map((target, i) => `${history.slice(0, i + 1)}>${size.width - 1}:${target}`),
      );
      expect(rows.sort()).toEqual(expected.sort());
    }),
  );
});

test("epochs differ in their order, and the same epoch does not", () => {
  const histories = Array.from({ length: 40 }, (_, h) => [h, h + 1, h + 2]);
  const padded = { predictions: 12, targets: "all" } as const;
  const options = { ...size, seed: 3, epoch: 1, padded };
  expect(epochRows(histories, options)).toEqual(epochRows(histories, options));
  expect(epochRows(histories, options)).not.toEqual(epochRows(histories, { ...options, epoch: 2 }));
});

test("a step has as many rows as predict so often on average, and no more than there are", () => {
  const sequences = sequencesOf(Array.from({ length: 40 }, (_, h) => (h % 2 ? [1, 2, 3] : [1, 2, 3, 4, 5])));
  expect(paddedRows(sequences, 6, { predictions: 30, targets: "all" })).toBe(10);
  expect(paddedRows(sequences, 6, { predictions: 1000, targets: "all" })).toBe(40);
  expect(paddedRows(sequences, 6, { predictions: 30, targets: "last" })).toBe(30);
  expect(paddedRows(sequences, 6, { predictions: 1000, targets: "last" })).toBe(120);
});

test("steps that hold no whole history are refused", () => {
  const padded = { predictions: 5, targets: "all" } as const;
  expect(() => planEpoch(sequencesOf([[1, 2]]), { ...size, seed: 0, epoch: 0, padded })).toThrow(
    "batch: a history of 6 tokens does not fit in a step of 5 predictions; make the steps larger",
  );
});
