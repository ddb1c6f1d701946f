import { describe, expect, it } from "vitest";
import type { SparseRows } from "./sparse.ts";
import { tfidf, tfidfRows } from "./tfidf.ts";

const row = ({ offsets, indices, values }: SparseRows, at: number) =>
  Array.from({ length: offsets[at + 1]! - offsets[at]! }, (_, i) => [
    indices[offsets[at]! + i]!,
    values[offsets[at]! + i]!,
  ]);

describe("TF-IDF", () => {
  const texts = [["Red shoes", "Nike"], ["red shoes red"], ["blue shoes", "nike"], ["unique"], []];
  const { rows, vocabulary } = tfidf(texts);

  it("keeps words and pairs of words that two texts have, pairs within one field", () => {
    const { words, columns } = vocabulary;
    const [red, shoes, nike] = ["red", "shoes", "nike"].map((word) => words.get(word)!);
    expect([...columns.keys()].filter((term) => term < 2 ** 24).sort()).toEqual([red, shoes, nike].sort());
    expect(columns.size).toBe(4); // and "red shoes"
    expect(rows.columns).toBe(4);
  });

  it("weighs them by how rare they are and how often they come, to rows of length 1", () => {
    for (let at = 0; at < 3; at++) {
      const length = row(rows, at).reduce((sum, [, value]) => sum + value! ** 2, 0);
      expect(length).toBeCloseTo(1, 6);
    }
    const [common, rare] = [Math.log(6 / 4) + 1, Math.log(6 / 3) + 1];
    const parts = [common, rare * (1 + Math.log(2)), rare]; // shoes, red twice, "red shoes"
    const length = Math.hypot(...parts);
    const expected = parts.map((part) => part / length).sort();
    const own = row(rows, 1).map(([, value]) => value!);
    for (const [i, value] of own.sort().entries()) expect(value).toBeCloseTo(expected[i]!, 6);
  });

  it("gives texts without such words empty rows", () => {
    expect([row(rows, 3), row(rows, 4)]).toEqual([[], []]);
  });

  it("gives other texts the rows that the same ones have", () => {
    expect(tfidfRows(texts, vocabulary)).toEqual(rows);
    expect(row(tfidfRows([["entirely new words"]], vocabulary), 0)).toEqual([]);
  });

  it("keeps everything where no two texts share a word", () => {
    expect(tfidf([["a b"], ["c"]]).rows.columns).toBe(4);
    expect(tfidf([]).rows).toMatchObject({ rows: 0, columns: 0 });
  });
});
