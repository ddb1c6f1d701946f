/** @file The laws of an operator: shapes, forward and gradient, each checked against an independent oracle. */
import { backward } from "../autodiff/gradient.ts";
import { Graph, type Value } from "../graph/graph.ts";
import type { Attributes, OpDef, Sample, SampleInput } from "../graph/op.ts";
import { mul, sum } from "../graph/ops/index.ts";
import { compile } from "../runtime/node.ts";
import { evaluateReference, fromNdArray } from "../runtime/reference.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { count, isFloat, numbers } from "../tensor/spec.ts";
import { fedFor, type Use, usedBy } from "./use.ts";

/** Worst disagreements found over the samples of one operator. */
export interface OpReport {
  readonly name: string;
  /** ONNX Runtime in float32 against the float64 reference. */
  readonly forward: number;
  /** The gradient rule against central differences, both in float64. */
  readonly gradient: number;
  /** The backward graph in ONNX Runtime against the same graph in float64. */
  readonly backward: number;
}

/** Bounds with their reasons: float32 has 7 digits; central differences with step 1e-5 have about 9 in float64. */
export const tolerance = { forward: 2e-6, gradient: 1e-7, backward: 5e-6 } as const;

/** Runs all laws on all samples. @throws Error when shapes disagree; numbers are returned for the caller to bound */
export async function checkOp(op: OpDef): Promise<OpReport> {
  const report = { name: op.name, forward: 0, gradient: 0, backward: 0 };
  for (const [k, sample] of op.samples.entries()) {
    const found = await checkSample(op, sample, `${op.name}/${k}`);
    report.forward = Math.max(report.forward, found.forward);
    report.gradient = Math.max(report.gradient, found.gradient);
    report.backward = Math.max(report.backward, found.backward);
  }
  return report;
}

/** Runs all laws on one sample, whose random values are drawn by `name`. @throws Error when shapes disagree */
export async function checkSample(
  op: OpDef,
  sample: Sample<Attributes>,
  name: string,
  use: Use = "plain",
): Promise<OpReport> {
  const fed = sample.inputs.map((input) => fedFor(input, use));
  const inputs = fed.map((input, i) => sampleValues(input, `${name}/${i}`));
  const traced = (): Traced => trace(op, sample, fed, use);
  const forward = await forwardError(traced(), sample, inputs);
  return { name: op.name, forward, ...(await gradientErrors(traced(), sample, inputs)) };
}

/** Seeded values of a sample input: normal floats, both truth values, integers below `high`. */
export function sampleValues(
  { dtype, shape, values, high = 2, positive, within }: SampleInput,
  name: string,
): NdArray {
  const random = stream(7, name);
  const draw = (): number => {
    if (dtype === "bool") return random.below(2);
    if (!isFloat(dtype)) return random.below(high) + (positive ? 1 : 0);
    if (within) return Math.fround(within[0] + random.uniform() * (within[1] - within[0]));
    const x = Math.fround(random.normal());
    return positive ? Math.fround(Math.abs(x) + 0.5) : x;
  };
  return { shape, data: Float64Array.from(values ?? Array.from({ length: count(shape) }, draw)) };
}

interface Traced {
  readonly graph: Graph;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

function trace(op: OpDef, { attributes }: Sample<Attributes>, fed: readonly SampleInput[], use: Use): Traced {
  const graph = new Graph();
  const inputs = fed.map(({ dtype, shape }, i) => graph.input(`x${i}`, { dtype, shape }));
  const outputs = graph.apply(
    op,
    inputs.map((x) => usedBy(x, use)),
    attributes ?? {},
  );
  return { graph, inputs, outputs };
}

const feedsOf = (inputs: readonly NdArray[]): Record<string, NdArray> =>
  Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));

async function forwardError(
  { graph, outputs }: Traced,
  sample: Sample<Attributes>,
  inputs: readonly NdArray[],
): Promise<number> {
  if (sample.expected && sample.expected.join() !== outputs[0]!.shape.join()) {
    throw new Error(`inferred [${outputs[0]!.shape}], expected [${sample.expected}]`);
  }
  outputs.forEach((y, i) => {
    graph.output(`y${i}`, y);
  });
  return disagreement(graph, feedsOf(inputs));
}

/** Largest error of ONNX Runtime against float64, relative to the size of the values; throws where shapes differ. */
export async function disagreement(graph: Graph, feeds: Readonly<Record<string, NdArray>>): Promise<number> {
  const expected = evaluateReference(graph, feeds);
  const program = await compile(graph, { threads: 1 });
  const tensors = Object.fromEntries(
    [...graph.inputs].flatMap(([name, value]) =>
      feeds[name] ? [[name, fromNdArray(feeds[name], value.dtype)]] : [],
    ),
  );
  const actual = await program.run(tensors);
  await program.dispose();
  let worst = 0;
  for (const [name, want] of Object.entries(expected)) {
    const inferred = graph.outputs.get(name)!.shape.join();
    const got = actual[name]!;
    if (got.shape.join() !== inferred || want.shape.join() !== inferred) {
      throw new Error(
        `${name}: inferred [${inferred}], reference [${want.shape}], ONNX Runtime [${got.shape}]`,
      );
    }
    worst = Math.max(worst, relativeError(numbers(got.data), want.data));
  }
  return worst;
}

/** max |a − b| / max(1, max |b|) over the finite b; equal infinities and NaNs agree. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0;
  let size = 1;
  for (let i = 0; i < b.length; i++) {
    if (Number.isFinite(b[i])) size = Math.max(size, Math.abs(b[i]!));
    if (a[i] === b[i] || Object.is(a[i], b[i])) continue;
    const d = Math.abs(a[i]! - b[i]!);
    difference = Math.max(difference, Number.isNaN(d) ? Number.POSITIVE_INFINITY : d);
  }
  return difference / size;
}

/** Which inputs are checked does not depend on the rule: its null claims zero, and zero is what differences must show. */
async function gradientErrors(
  { graph, inputs: values, outputs }: Traced,
  sample: Sample<Attributes>,
  inputs: readonly NdArray[],
) {
  const checked = sample.inputs.flatMap((x, i) => (isFloat(x.dtype) ? [i] : []));
  const y = outputs[0]!; // further outputs are saved intermediates, which carry no gradient
  if (checked.length === 0 || !isFloat(y.dtype)) return { gradient: 0, backward: 0 };
  const weights = graph.input("weights", y.spec); // a random projection makes a scalar of any output
  const loss = sum(mul(y, weights));
  graph.output("loss", loss);
  const slopes = backward(
    y,
    checked.map((i) => values[i]!),
    weights,
  );
  const feeds = { ...feedsOf(inputs), weights: sampleValues(y.spec as SampleInput, "weights") };
  const differences = checked.map((i) =>
    centralDifferences(
      (x) => evaluateReference(graph, { ...feeds, [`x${i}`]: x }).loss!.data[0]!,
      inputs[i]!,
    ),
  );
  graph.outputs.delete("loss");
  slopes.forEach((slope, k) => {
    if (slope) graph.output(`d${k}`, slope);
  });
  if (graph.outputs.size === 0) return { gradient: slopeError(differences, {}, sample), backward: 0 };
  const claimed = evaluateReference(graph, feeds);
  return { gradient: slopeError(differences, claimed, sample), backward: await disagreement(graph, feeds) };
}

/** Claimed gradients d0, d1, … against differences; one that is not there claims zero. */
function slopeError(
  differences: readonly Float64Array[],
  claimed: Readonly<Record<string, NdArray>>,
  { bends }: Sample<Attributes>,
): number {
  const errors = differences.map((want, k) => {
    const got = claimed[`d${k}`]?.data ?? new Float64Array(want.length);
    if (got.length !== want.length) throw new Error(`a gradient has ${got.length} elements`);
    return bends ? 0 : relativeError(got, want);
  });
  return Math.max(0, ...errors);
}

/** (f(x + ε) − f(x − ε)) / 2ε for every element; 0 where both are the same, infinite or undefined as they may be. */
export function centralDifferences(f: (x: NdArray) => number, x: NdArray, epsilon = 1e-5): Float64Array {
  return x.data.map((value, i) => {
    const at = (v: number): number => f({ shape: x.shape, data: x.data.with(i, v) });
    const [up, down] = [at(value + epsilon), at(value - epsilon)];
    return Object.is(up, down) ? 0 : (up - down) / (2 * epsilon);
  });
}
