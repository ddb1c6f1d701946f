import { describe, expect, it } from "vitest";
import { stream } from "../tensor/random.ts";
import { symmetricEigen, symmetricEigenvalues } from "./eigen.ts";

function symmetric(n: number, rank = n): Float64Array {
  const factor = stream(1, "eigen", n, rank).fillNormal(new Float32Array(n * rank));
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      for (let k = 0; k < rank; k++) matrix[i * n + j]! += factor[i * rank + k]! * factor[j * rank + k]!;
  return matrix;
}

describe("the eigenvalues of a symmetric matrix", () => {
  it.each([
    [1, 1],
    [2, 2],
    [5, 5],
    [40, 40],
    [60, 7],
    [33, 1],
  ])("n = %i, rank %i: A v = λ v, and the vectors are orthonormal", (n, rank) => {
    const matrix = symmetric(n, rank);
    const { values, vectors } = symmetricEigen(matrix.slice(), n);
    expect(symmetricEigenvalues(matrix.slice(), n)).toEqual(values);
    const largest = values[0]!;
    for (let i = 0; i < n; i++) {
      const v = vectors.subarray(i * n, (i + 1) * n);
      for (let row = 0; row < n; row++) {
        let product = 0;
        for (let j = 0; j < n; j++) product += matrix[row * n + j]! * v[j]!;
        expect(Math.abs(product - values[i]! * v[row]!) / largest).toBeLessThan(1e-12);
      }
      for (let other = 0; other <= i; other++) {
        const inner = v.reduce((sum, x, j) => sum + x * vectors[other * n + j]!, 0);
        expect(Math.abs(inner - (other === i ? 1 : 0))).toBeLessThan(1e-12);
      }
      expect(values[i]!).toBeLessThanOrEqual(values[Math.max(0, i - 1)]!);
    }
    expect(values.filter((value) => value > largest * 1e-10)).toHaveLength(rank);
  });

  it("are the diagonal's where there is nothing else, negative ones too", () => {
    const { values } = symmetricEigen(Float64Array.of(-1, 0, 0, 0, 3, 0, 0, 0, 2), 3);
    expect([...values]).toEqual([3, 2, -1]);
  });

  it("of a matrix that is one but for rounding have orthonormal vectors", () => {
    const n = 50;
    const random = stream(2, "one");
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++)
        matrix[i * n + j] = matrix[j * n + i] = Number(i === j) + 1e-9 * random.normal();
    const { vectors } = symmetricEigen(matrix, n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        let inner = 0;
        for (let k = 0; k < n; k++) inner += vectors[i * n + k]! * vectors[j * n + k]!;
        expect(Math.abs(inner - Number(i === j))).toBeLessThan(1e-12);
      }
  });

  it("of a zero matrix are zero", () => {
    expect([...symmetricEigen(new Float64Array(16), 4).values]).toEqual([0, 0, 0, 0]);
  });
});
