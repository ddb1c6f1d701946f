import { describe, expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { type Components, principalComponents } from "./components.ts";
import { symmetricEigen } from "./eigen.ts";
import { type SparseRows, sharedFloats, sharedInts } from "./sparse.ts";

/** Rows with a few entries each, in clusters, so that there is something to find. */
function clustered(rows: number, columns: number, each: number): SparseRows {
  const random = stream(3, "clustered");
  const offsets = sharedInts(rows + 1).map((_, row) => row * each);
  const indices = sharedInts(rows * each);
  const values = sharedFloats(rows * each);
  for (let row = 0; row < rows; row++) {
    const own = new Set<number>();
    while (own.size < each)
      own.add((row % 7) * 9 + random.below(own.size < Math.min(6, each / 2) ? 9 : columns - 60));
    const sorted = [...own].sort((a, b) => a - b);
    for (const [i, column] of sorted.entries()) {
      indices[row * each + i] = column;
      values[row * each + i] = 0.2 + random.uniform();
    }
  }
  return { rows, columns, offsets, indices, values };
}

/** Eigenvalues of the covariance, in float64. */
function exactDeviations({ rows, columns, offsets, indices, values }: SparseRows): number[] {
  const dense = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++)
      dense[row * columns + indices[at]!] = values[at]!;
  for (let c = 0; c < columns; c++) {
    let mean = 0;
    for (let row = 0; row < rows; row++) mean += dense[row * columns + c]! / rows;
    for (let row = 0; row < rows; row++) dense[row * columns + c]! -= mean;
  }
  const covariance = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j <= i; j++)
        covariance[i * columns + j]! += (dense[row * columns + i]! * dense[row * columns + j]!) / rows;
  return [...symmetricEigen(covariance, columns).values].map((value) => Math.sqrt(Math.max(0, value)));
}

function correlation({ scores, dim }: Components, rows: number, i: number, j: number): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += scores[row * dim + i]! * scores[row * dim + j]!;
  return sum / rows;
}

describe("principal components", () => {
  const matrix = clustered(300, 120, 8);

  it("are white: means 0, variances 1, no correlations", async () => {
    const found = await principalComponents(matrix, { dim: 20, seed: 1, threads: 1 });
    expect([found.dim, found.scores.length]).toEqual([20, 6000]);
    for (let i = 0; i < 20; i++) {
      const mean = found.scores.filter((_, at) => at % 20 === i).reduce((sum, x) => sum + x, 0) / 300;
      expect(Math.abs(mean)).toBeLessThan(1e-5);
      for (let j = 0; j <= i; j++)
        expect(Math.abs(correlation(found, 300, i, j) - (i === j ? 1 : 0))).toBeLessThan(2e-3);
    }
  });

  it("are the largest there are", async () => {
    const exact = exactDeviations(matrix);
    const { deviations } = await principalComponents(matrix, { dim: 104, seed: 1 }); // all that a width of 120 gives
    for (let i = 0; i < 60; i++) expect(Math.abs(deviations[i]! / exact[i]! - 1)).toBeLessThan(0.02);
    const { deviations: few } = await principalComponents(matrix, { dim: 6, seed: 1 });
    for (let i = 0; i < 6; i++) expect(Math.abs(few[i]! / exact[i]! - 1)).toBeLessThan(0.1);
  });

  it("are the same bit for bit in one thread and in three, and other ones for another seed", async () => {
    const large = clustered(3000, 800, 40);
    const [one, three, other] = await Promise.all(
      [{ threads: 1 }, { threads: 3 }, { threads: 1, seed: 2 }].map((options) =>
        principalComponents(large, { dim: 100, seed: 1, ...options }),
      ),
    );
    expect(three).toEqual(one);
    expect(other!.scores).not.toEqual(one!.scores);
  });

  it("are as many as the rows have", async () => {
    const { dim, scores } = await principalComponents(clustered(9, 120, 8), { dim: 50, seed: 1 });
    expect(dim).toBe(8);
    expect(scores.every(Number.isFinite)).toBe(true);
    const same = clustered(1, 120, 8);
    expect((await principalComponents(same, { dim: 50, seed: 1 })).dim).toBe(0);
  });

  it("of rows that are all alike are none", async () => {
    const one = clustered(1, 120, 8);
    const offsets = sharedInts(6).map((_, row) => row * 8);
    const indices = sharedInts(40).map((_, at) => one.indices[at % 8]!);
    const values = sharedFloats(40).map((_, at) => one.values[at % 8]!);
    const alike = { rows: 5, columns: 120, offsets, indices, values };
    expect((await principalComponents(alike, { dim: 3, seed: 1 })).dim).toBe(0);
  });
});
