import { describe, expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { embeddingHealth, rankMe } from "./health.ts";

const all = (count: number) => new Uint8Array(count).fill(1);
const counts = (count: number) => Array.from({ length: count }, (_, i) => count - i);

async function rankOf(rows: number[][]): Promise<number | null> {
  const embeddings = {
    values: Float32Array.from(rows.flat()),
    dim: rows[0]!.length,
    present: all(rows.length),
  };
  return (await embeddingHealth(embeddings, { popularity: counts(rows.length) })).effectiveRank;
}

describe("embedding health", () => {
  it("ranks as the paper's formula has it", async () => {
    expect(rankMe([1, 1, 1, 1])).toBeCloseTo(4.000001, 5);
    expect(rankMe([2, 1, 1])).toBeCloseTo(2 ** 1.5, 5);
    expect(rankMe([])).toBe(0);
    expect(
      await rankOf([
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
      ]),
    ).toBeCloseTo(4, 5);
    expect(
      await rankOf([
        [2, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ]),
    ).toBeCloseTo(2 ** 1.5, 5);
    expect(
      await rankOf([
        [1, 2, 3],
        [2, 4, 6],
        [-1, -2, -3],
      ]),
    ).toBeLessThan(1.01);
  });

  it("does not change with scale, and tells a long mean", async () => {
    const values = stream(1, "health").fillNormal(new Float32Array(400 * 8));
    const popularity = counts(400);
    const plain = await embeddingHealth({ values, dim: 8, present: all(400) }, { popularity });
    expect(plain.effectiveRank).toBeGreaterThan(7.8);
    const scaled = await embeddingHealth(
      { values: values.map((x) => 9 * x), dim: 8, present: all(400) },
      { popularity },
    );
    expect(scaled.effectiveRank).toBeCloseTo(plain.effectiveRank!, 4);
    const shifted = values.map((x, at) => (at % 8 === 0 ? x + 50 : x));
    const moved = await embeddingHealth({ values: shifted, dim: 8, present: all(400) }, { popularity });
    expect(moved.effectiveRank).toBeLessThan(4);
    expect(moved.effectiveRankCentred).toBeCloseTo(plain.effectiveRankCentred!, 3);
  });

  it("tells lengths by popularity and who is near whom, without what is absent", async () => {
    const directions = [
      [1, 0],
      [0, 1],
      [1, 0.1],
      [0.1, 1],
      [1, 0.2],
      [0, 2],
    ];
    const values = Float32Array.from(directions.flatMap(([x, y], i) => [x! * (i + 1), y! * (i + 1)]));
    const present = Uint8Array.of(1, 1, 1, 1, 1, 0);
    const health = await embeddingHealth(
      { values, dim: 2, present },
      { popularity: [50, 40, 30, 20, 10, 99], samples: 2, near: 1 },
    );
    expect(health).toMatchObject({ items: 5, dim: 2 });
    expect(health.lengthsByPopularity.map((length) => Math.round(length))).toEqual([5, 4, 3, 2, 1]);
    expect(health.neighbours.map(({ item, near }) => [item, near[0]!.item])).toEqual([
      [0, 2],
      [4, 2],
    ]);
    expect(health.neighbours[0]!.near[0]!.cosine).toBeCloseTo(1 / Math.hypot(1, 0.1), 5);
  });
});
