import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addDims,
  bindDim,
  type Dim,
  floorDivideDims,
  maxDims,
  minDims,
  multiplyDims,
  subtractDims,
} from "./dims.ts";

type Pair = readonly [Dim, (b: Record<string, number>) => number];
const leaf: fc.Arbitrary<Pair> = fc.oneof(
  fc.integer({ min: 0, max: 9 }).map((n): Pair => [n, () => n]),
  fc.constantFrom("A", "B", "long_name.1").map((n): Pair => [n, (b) => b[n]!]),
);
const operations = [
  [addDims, (a: number, b: number) => a + b],
  [subtractDims, (a: number, b: number) => a - b],
  [multiplyDims, (a: number, b: number) => a * b],
  [minDims, Math.min],
  [maxDims, Math.max],
] as const;
const { tree } = fc.letrec<{ tree: Pair }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc
      .tuple(fc.constantFrom(...operations), tie("tree"), tie("tree"))
      .map(([[symbolic, plain], x, y]): Pair => [symbolic(x[0], y[0]), (b) => plain(x[1](b), y[1](b))]),
    fc
      .tuple(tie("tree"), fc.integer({ min: 1, max: 5 }))
      .map(([x, k]): Pair => [floorDivideDims(x[0], k), (b) => Math.floor(x[1](b) / k)]),
  ),
}));

describe("dimensions", () => {
  it("bind to what the arithmetic on numbers gives", () => {
    const sizes = fc.record({ A: fc.nat(7), B: fc.nat(7), "long_name.1": fc.nat(7) });
    fc.assert(
      fc.property(tree, sizes, ([dim, value], bindings) => {
        expect(Number(bindDim(dim, bindings)) + 0).toBe(value(bindings) + 0);
      }),
      { numRuns: 500 },
    );
  });
  it("are written alike where they are equal", () => {
    expect(addDims("B", "A")).toBe(addDims("A", "B"));
    expect(multiplyDims(addDims("A", 1), 2)).toBe("A*2+2");
    expect(subtractDims(addDims("A", "B"), "A")).toBe("B");
    expect(floorDivideDims("A*B*6", "B*3")).toBe("A*2");
    expect(floorDivideDims("A*2+1", 2)).toBe("A");
    expect(floorDivideDims("A*4+B-1", 2)).toBe("A*2+floor(B-1/2)");
    expect(multiplyDims(subtractDims("A", 1), -1)).toBe("-A+1");
  });
});
