import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray, ravel, unravel } from "../../tensor/ndarray.ts";
import { stream } from "../../tensor/random.ts";
import { count, f32, type Shape } from "../../tensor/spec.ts";
import { relativeError } from "../../testing/check-op.ts";
import { slopeError } from "../../testing/check-parts.ts";
import { Graph, reachableNodes } from "../graph.ts";
import { einsum } from "./einsum.ts";
import { mul } from "./pointwise.ts";
import { sum } from "./reduce.ts";

function trace(equation: string, shapes: readonly Shape[]): Graph {
  const graph = new Graph();
  const y = einsum(equation, ...shapes.map((shape, i) => graph.input(`x${i}`, f32(...shape))));
  graph.output("y", y);
  return graph;
}

const feedsOf = (shapes: readonly (readonly number[])[]): Record<string, NdArray> =>
  Object.fromEntries(
    shapes.map((shape, i) => {
      const values = stream(1, "einsum", i).fillNormal(new Float32Array(count(shape)));
      return [`x${i}`, ndarray(shape, (k) => values[k]!)];
    }),
  );

/** The definition: for every value of every letter, a product of one element of each operand. */
function byDefinition(
  equation: string,
  sizes: Record<string, number>,
  operands: readonly NdArray[],
): NdArray {
  const [left, right] = equation.split("->") as [string, string];
  const terms = left.split(",");
  const letters = [...new Set(left.replaceAll(",", ""))];
  const shape = [...right].map((letter) => sizes[letter]!);
  const out = ndarray(shape);
  const all = letters.map((letter) => sizes[letter]!);
  for (let flat = 0; flat < count(all); flat++) {
    const index = unravel(flat, all);
    const at = (term: string): number[] => [...term].map((letter) => index[letters.indexOf(letter)]!);
    const product = operands.reduce((p, x, i) => {
      const place = at(terms[i]!).map((v, axis) => (x.shape[axis] === 1 ? 0 : v));
      return p * x.data[ravel(place, x.shape)]!;
    }, 1);
    out.data[ravel(at(right), shape)]! += product;
  }
  return out;
}

/** Random equations over the letters a to e, with repeated letters and axes of size 1. */
const cases = fc
  .record({
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 5, maxLength: 5 }),
    terms: fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 3,
    }),
    kept: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    ones: fc.boolean(),
  })
  .map(({ sizes, terms, kept, ones }) => {
    const name = (k: number): string => "abcde"[k]!;
    const used = new Set(terms.flat());
    const output = [...new Set(kept)].filter((k) => used.has(k));
    // Letters of one operand that are not repeated in it may have size 1 there, if another has the whole size.
    const shapes = terms.map((term, i) =>
      term.map((k) => {
        const elsewhere = terms.some((other, j) => j < i && other.includes(k));
        return ones && elsewhere && term.filter((other) => other === k).length === 1 ? 1 : sizes[k]!;
      }),
    );
    return {
      equation: `${terms.map((term) => term.map(name).join("")).join()}->${output.map(name).join("")}`,
      shapes,
      sizes: Object.fromEntries(sizes.map((size, k) => [name(k), size])),
    };
  });

describe("einsum", () => {
  it("is the sum of products that the equation says, and so is its gradient", () => {
    fc.assert(
      fc.property(cases, ({ equation, shapes, sizes }) => {
        const graph = trace(equation, shapes);
        const feeds = feedsOf(shapes);
        const y = evaluateReference(graph, feeds).y!;
        const expected = byDefinition(equation, sizes, Object.values(feeds));
        expect(y.shape).toEqual(expected.shape);
        expect(relativeError(y.data, expected.data)).toBeLessThan(1e-12);
        const value = graph.value("y");
        graph.output("loss", sum(mul(value, value)));
        expect(slopeError(graph, feeds, "loss")).toBeLessThan(1e-6);
      }),
      { numRuns: 150, seed: 4 },
    );
  });

  it.each([
    [
      "blhd,bmhd->bhlm",
      [
        ["B", "L", 2, 4],
        ["B", "M", 2, 4],
      ],
      3,
    ],
    [
      "bsd,hd->bsh",
      [
        ["B", "S", 4],
        [5, 4],
      ],
      1,
    ],
    [
      "bsd,dh->bsh",
      [
        ["B", "S", 4],
        [4, 5],
      ],
      1,
    ],
    [
      "bkm,bkn->bmn",
      [
        ["B", 4, 3],
        ["B", 4, 5],
      ],
      1,
    ],
    [
      "bhlm,bhmd->bhld",
      [
        ["B", 2, "L", "M"],
        ["B", 2, "M", 4],
      ],
      1,
    ],
  ] as [string, Shape[], number][])("%s moves nothing that need not move", (equation, shapes, most) => {
    const nodes = reachableNodes(trace(equation, shapes)).filter(({ op }) => op.name !== "reshape");
    expect(nodes.filter(({ op }) => op.name === "matmul")).toHaveLength(1);
    expect(nodes.length).toBeLessThanOrEqual(most);
  });

  it("broadcasts ellipses of any number of axes", () => {
    const shapes = [[2, 1, 3, 4], [5, 4, 2], []];
    const feeds = feedsOf(shapes);
    const y = evaluateReference(trace("...ij,...jk,...->...ik", shapes), feeds).y!;
    const letters = evaluateReference(trace("abij,bjk,->abik", [[2, 5, 3, 4], ...shapes.slice(1)]), {
      ...feeds,
      x0: ndarray([2, 5, 3, 4], (k) => feeds.x0!.data[Math.floor(k / 60) * 12 + (k % 12)]!),
    }).y!;
    expect(y.shape).toEqual([2, 5, 3, 2]);
    expect(relativeError(y.data, letters.data)).toBeLessThan(1e-12);
  });

  it("says what does not fit", () => {
    const fails = (equation: string, ...shapes: Shape[]) => expect(() => trace(equation, shapes));
    fails("ij,jk", [2, 3]).toThrow('einsum: "ij,jk" has 2 terms for 1 operands');
    fails("ij->ji", [2, 3, 4]).toThrow(
      'einsum: "ij->ji" does not name the axes of operand 0, which is [2, 3, 4]',
    );
    fails("ij,jk->ik", [2, 3], [4, 5]).toThrow('einsum: "ij,jk->ik": axis j has sizes 3 and 4');
    fails("i->j", [2]).toThrow('einsum: "i->j" asks for "j", which no operand has');
    fails("i->ii", [2]).toThrow('einsum: "i->ii" repeats a letter in the result');
    fails("...i->i", [2, 3]).toThrow('einsum: "...i->i" drops the axes of the ellipsis');
    fails("i1->i", [2, 3]).toThrow('einsum: "i1->i" holds "1"');
    fails("......", [2]).toThrow('has two ellipses in "......"');
    fails("i->i->i", [2]).toThrow("has more than one arrow");
  });
});
