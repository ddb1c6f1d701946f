import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backward } from "../autodiff/gradient.ts";
import { Graph } from "../graph/graph.ts";
import type { Attributes, OpDef, Sample, SampleInput } from "../graph/op.ts";
import { operators } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { evaluateReference, fromNdArray } from "../runtime/reference.ts";
import { bindShape, count, type Dim, isFloat, numbers } from "../tensor/spec.ts";
import { checkSample, relativeError, sampleValues, tolerance } from "./check-op.ts";
import { type Use, uses } from "./use.ts";

/** Shapes drawn for each operator. */
const runs = 20;
/** Elements of the largest input: every one is moved for a difference. */
const mostElements = 24;

interface Case {
  readonly sample: Sample<Attributes>;
  readonly use: Use;
}

const sizes = fc.constantFrom(1, 2, 3, 1, 2, 3, 1, 2, 4, 0);
const shapes = fc.array(sizes, { maxLength: 5 }).filter((shape) => count(shape) <= mostElements);

/** A shape that broadcasts to another: leading axes left out, some axes of size 1. */
const broadcasting = (to: readonly number[]): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.nat(to.length), fc.array(fc.boolean(), { minLength: to.length, maxLength: to.length }))
    .map(([skip, ones]) => to.map((d, axis) => (ones[axis] ? 1 : d)).slice(skip));

type Drawn = Pick<Sample<Attributes>, "attributes"> & { readonly shapes: readonly (readonly number[])[] };

/** Shapes, and the attributes that say something about them. */
const drawn: Record<NonNullable<OpDef["shapes"]>, (inputs: number) => fc.Arbitrary<Drawn>> = {
  broadcast: (inputs) =>
    shapes
      .chain((to) => fc.tuple(...Array.from({ length: inputs }, () => broadcasting(to))))
      .map((each) => ({ shapes: each })),
  "into-first": (inputs) =>
    shapes
      .chain((to) =>
        fc.tuple(fc.constant([...to]), ...Array.from({ length: inputs - 1 }, () => broadcasting(to))),
      )
      .map((each) => ({ shapes: each })),
  axes: () =>
    shapes
      .chain((shape) => fc.tuple(fc.constant(shape), fc.subarray(shape.map((_, axis) => axis)), fc.boolean()))
      .map(([shape, axes, keep]) => ({ shapes: [shape], attributes: { axes, keep } })),
  axis: () =>
    shapes
      .filter((shape) => shape.some((d) => d > 0))
      .chain((shape) =>
        fc.tuple(fc.constant(shape), fc.constantFrom(...shape.flatMap((d, axis) => (d > 0 ? [axis] : [])))),
      )
      .map(([shape, axis]) => ({ shapes: [shape], attributes: { axis } })),
  matrices: () =>
    fc
      .record({
        batch: shapes
          .filter((shape) => shape.length <= 3)
          .chain((to) => fc.tuple(broadcasting(to), broadcasting(to))),
        sizes: fc.tuple(sizes, sizes, sizes),
        transA: fc.boolean(),
        transB: fc.boolean(),
      })
      .map(({ batch, sizes: [m, k, n], transA, transB }) => ({
        shapes: [
          [...batch[0], ...(transA ? [k, m] : [m, k])],
          [...batch[1], ...(transB ? [n, k] : [k, n])],
        ],
        attributes: { transA, transB, scale: 0.5 },
      })),
};

/** The first sample of an operator in other shapes. */
function casesOf(op: OpDef): fc.Arbitrary<Case> {
  const [first] = op.samples;
  const other = (input: SampleInput, shape: readonly number[]): SampleInput => {
    const { values: _, ...rest } = input;
    return { ...rest, shape };
  };
  return fc
    .tuple(drawn[op.shapes!](first!.inputs.length), fc.constantFrom(...uses))
    .map(([{ shapes: each, attributes }, use]) => ({
      sample: {
        inputs: first!.inputs.map((input, i) => other(input, each[i]!)),
        attributes: { ...first!.attributes, ...attributes },
      },
      use,
    }));
}

/** Error of one file for all sizes, forward and backward, on the first sample of an operator. */
async function openError(op: OpDef): Promise<number> {
  const [sample] = op.samples;
  const graph = new Graph();
  const named = (shape: readonly number[]): Dim[] => shape.map((d) => (d > 1 ? `N${d}` : d));
  const inputs = sample!.inputs.map(({ dtype, shape }, i) =>
    graph.input(`x${i}`, { dtype, shape: named(shape) }),
  );
  const [y] = graph.apply(op, inputs, sample!.attributes ?? {});
  graph.output("y", y!);
  const wrt = inputs.filter((x) => isFloat(x.dtype));
  const slopes = isFloat(y!.dtype) ? backward(y!, wrt, graph.input("g", y!.spec)) : [];
  slopes.forEach((slope, k) => {
    if (slope) graph.output(`d${k}`, slope);
  });
  const bindings = Object.fromEntries(sample!.inputs.flatMap(({ shape }) => shape.map((d) => [`N${d}`, d])));
  const feeds = Object.fromEntries(
    [...graph.inputs].map(([name, { dtype, shape }]) => {
      const spec = { ...sample!.inputs[0], ...sample!.inputs[Number(name.slice(1))], dtype };
      return [name, sampleValues({ ...spec, shape: bindShape(shape, bindings) as number[] }, name)];
    }),
  );
  const want = evaluateReference(graph, feeds, bindings);
  const program = await compile(graph, { threads: 1, shapes: "open" });
  const tensors = Object.entries(feeds).map(([name, x]) => [
    name,
    fromNdArray(x, graph.inputs.get(name)!.dtype),
  ]);
  const got = await program.run(Object.fromEntries(tensors));
  await program.dispose();
  const errors = Object.entries(want).map(([name, { data, shape }]) => {
    expect(got[name]!.shape, name).toEqual(shape);
    return relativeError(numbers(got[name]!.data), data);
  });
  return Math.max(...errors);
}

const shaped = operators.filter((op) => op.shapes);

describe("operators on drawn shapes", () => {
  it.each(shaped.map((op) => [op.name, op] as const))("%s keeps its laws", async (name, op) => {
    const law = fc.asyncProperty(casesOf(op), async ({ sample, use }) => {
      const report = await checkSample(op, sample, name, use);
      expect(report.forward).toBeLessThanOrEqual(tolerance.forward);
      expect(report.gradient).toBeLessThanOrEqual(tolerance.gradient);
      expect(report.backward).toBeLessThanOrEqual(tolerance.backward);
    });
    await fc.assert(law, { seed: 11, numRuns: runs });
  });

  it.each(shaped.map((op) => [op.name, op] as const))("%s leaves open dimensions open", async (_, op) => {
    expect(await openError(op)).toBeLessThanOrEqual(tolerance.backward);
  });

  it("draws what is hard: no elements, single ones, many axes, broadcasts on both sides", () => {
    const add = operators.find((op) => op.name === "add")!;
    const cases = fc.sample(casesOf(add), { seed: 11, numRuns: 100 });
    const some = (test: (a: readonly number[], b: readonly number[]) => boolean): boolean =>
      cases.some(({ sample: { inputs } }) => test(inputs[0]!.shape, inputs[1]!.shape));
    expect(some((a) => a.includes(0))).toBe(true);
    expect(some((a, b) => a.length === 0 && b.length > 1)).toBe(true);
    expect(some((a, b) => a.length > 3 && b.length > 3)).toBe(true);
    expect(
      some((a, b) => a.some((d, i) => d === 1 && b[i]! > 1) && a.some((d, i) => d > 1 && b[i] === 1)),
    ).toBe(true);
    expect(new Set(cases.map(({ use }) => use)).size).toBe(uses.length);
  });

  it("notices a gradient that is wrong only where axes of size 1 are reduced", async () => {
    const sum = operators.find((op) => op.name === "sum")!;
    const rule = sum.gradient as Exclude<OpDef["gradient"], "zero">;
    const wrong: OpDef = {
      ...sum,
      gradient: (c) => {
        const single = (c.attributes.axes as number[]).some((axis) => c.inputs[0]!.shape[axis] === 1);
        return single ? [null] : rule(c);
      },
    };
    const results = await Promise.all(
      fc
        .sample(casesOf(sum), { seed: 11, numRuns: runs })
        .map(({ sample, use }) => checkSample(wrong, sample, "sum", use)),
    );
    expect(results.some((r) => r.gradient > tolerance.gradient)).toBe(true);
  });
});
