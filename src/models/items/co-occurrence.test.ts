import { describe, expect, it } from "vitest";
import { stream } from "../../tensor/random.ts";
import { coOccurrenceVectors, symmetricEigen } from "./co-occurrence.ts";

/** Two worlds that never meet: histories draw from items 0–9 or from 10–19; item 20 occurs alone. */
function worlds() {
  const random = stream(3, "worlds");
  const lists = Array.from({ length: 400 }, (_, h) =>
    Array.from({ length: 6 }, () => 10 * (h % 2) + random.below(10)),
  );
  lists.push([20]);
  const offsets = Int32Array.from([0, ...lists.map((l) => l.length)]);
  for (let i = 1; i < offsets.length; i++) offsets[i]! += offsets[i - 1]!;
  return { offsets, sequence: Int32Array.from(lists.flat()) };
}

const cosine = (x: Float32Array, a: number, b: number, dim: number): number => {
  const row = (i: number) => x.subarray(i * dim, (i + 1) * dim);
  const dot = (p: Float32Array, q: Float32Array) => p.reduce((t, v, i) => t + v * q[i]!, 0);
  return dot(row(a), row(b)) / Math.sqrt(dot(row(a), row(a)) * dot(row(b), row(b)));
};

describe("co-occurrence vectors", () => {
  const options = { sequences: worlds(), count: 21, dim: 4, window: 5, seed: 0 };
  const { items, vectors } = coOccurrenceVectors(options);

  it("bring together what occurs together, and leave an item without neighbours at zero", () => {
    for (let a = 0; a < 20; a++) {
      const same = Math.floor(a / 10) * 10 + ((a + 3) % 10);
      const other = (a + 10) % 20;
      expect(cosine(vectors, a, same, 4)).toBeGreaterThan(cosine(vectors, a, other, 4) + 0.3);
    }
    expect([...vectors.subarray(80)]).toEqual([0, 0, 0, 0]);
    expect([...items]).toEqual(Array.from({ length: 21 }, (_, i) => i));
  });

  it("are the same for the same seed, and finite where there are fewer items than directions", () => {
    expect(coOccurrenceVectors(options).vectors).toEqual(vectors);
    const few = coOccurrenceVectors({ ...options, dim: 64 }).vectors;
    expect(few).toHaveLength(21 * 64);
    expect(few.every(Number.isFinite)).toBe(true);
  });
});

describe("co-occurrence vectors of a catalogue that is too large", () => {
  it("are those of the most frequent items, as if the others were not there", () => {
    const { offsets, sequence } = worlds();
    const options = { dim: 4, window: 5, seed: 0 };
    const small = coOccurrenceVectors({ sequences: { offsets, sequence }, count: 21, ...options });
    // The same histories over items 1, 3 … 41 of 60; the others stand at the ends of histories, fewer times.
    const lists = Array.from({ length: offsets.length - 1 }, (_, h) => [
      ...sequence.subarray(offsets[h], offsets[h + 1]).map((item) => 2 * item + 1),
      ...(h < 30 ? [2 * h] : []),
    ]);
    lists.push([41], [41]); // or item 20 would be as rare as they are
    const ends = lists.map(
      (
        (sum) => (list: number[]) =>
          (sum += list.length)
      )(0),
    );
    const sequences = { offsets: Int32Array.of(0, ...ends), sequence: Int32Array.from(lists.flat()) };
    const large = coOccurrenceVectors({ sequences, count: 60, ...options }, 21 * (4 + 16));
    expect([...large.items]).toEqual(Array.from({ length: 21 }, (_, i) => 2 * i + 1));
    expect(large.vectors).toEqual(small.vectors);
  });
});

describe("the eigendecomposition of a small symmetric matrix", () => {
  it("gives A·v = λ·v with orthonormal v", () => {
    const n = 6;
    const random = stream(1, "symmetric");
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
    const { values, vectors } = symmetricEigen(a, n);
    for (let c = 0; c < n; c++) {
      for (let i = 0; i < n; i++) {
        let image = 0;
        let product = 0;
        for (let k = 0; k < n; k++) {
          image += a[i * n + k]! * vectors[k * n + c]!;
          product += vectors[k * n + c]! * vectors[k * n + i]!;
        }
        expect(image).toBeCloseTo(values[c]! * vectors[i * n + c]!, 9);
        expect(product).toBeCloseTo(c === i ? 1 : 0, 9);
      }
    }
  });
});
