/** @file The laws of losses and optimizers, measured in float64; each number is for the caller to bound. */
import { backward } from "../autodiff/gradient.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { gather, mul, scalar, sum } from "../graph/ops/index.ts";
import { drawnShape, type Loss, negativeInputs, type Optimizer } from "../models/define.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { f32, i32, knownShape } from "../tensor/spec.ts";
import { type Arrays, noise } from "./law-inputs.ts";

/** |gradient · direction − slope by central differences| / (1 + |slope|), over all float inputs and parameters. */
export function slopeError(graph: Graph, feeds: Arrays, output: string, epsilon = 2e-6): number {
  const y = graph.outputs.get(output)!;
  const weights = graph.input("slope.weights", y.spec);
  const total = sum(mul(y, weights));
  const sources = [...graph.inputs, ...[...graph.params].map(([name, p]) => [name, p.value] as const)].filter(
    ([name, value]) => value.dtype === "float32" && feeds[name],
  );
  const gradients = backward(
    y,
    sources.map(([, value]) => value),
    weights,
  );
  graph.output("slope.total", total);
  gradients.forEach((g, i) => {
    if (g) graph.output(`slope.d/${sources[i]![0]}`, g);
  });
  const given = { ...feeds, "slope.weights": noise(knownShape(y.shape, output), "weights") };
  const direction = Object.fromEntries(
    sources.map(([name]) => [name, noise(feeds[name]!.shape, `direction.${name}`)]),
  );
  const at = (step: number): number => {
    const moved = Object.fromEntries(
      Object.entries(direction).map(([name, d]) => [
        name,
        ndarray(d.shape, (i) => feeds[name]!.data[i]! + step * d.data[i]!),
      ]),
    );
    return evaluateReference(graph, { ...given, ...moved })["slope.total"]!.data[0]!;
  };
  const slope = (at(epsilon) - at(-epsilon)) / (2 * epsilon);
  const results = evaluateReference(graph, given);
  let claimed = 0;
  for (const [name, d] of Object.entries(direction)) {
    const g = results[`slope.d/${name}`];
    if (g) claimed += g.data.reduce((t, v, i) => t + v * d.data[i]!, 0);
  }
  for (const name of [...graph.outputs.keys()]) if (name.startsWith("slope.")) graph.outputs.delete(name);
  return Math.abs(claimed - slope) / (1 + Math.abs(slope));
}

export interface LossReport {
  readonly slope: number;
  /** The loss of a state that points at its target minus that of one that points away: must be negative. */
  readonly preference: number;
  /** Largest slope of the loss along the state of a token without weight: must be 0. */
  readonly padding: number;
}

/** Measures the laws of an objective on six states and nine items. */
export function checkLoss<C>(loss: Loss<C>, config: C, scale = 1): LossReport {
  const graph = new Graph();
  const h = graph.input("h", f32(6, 4));
  const items = graph.input("items", f32(9, 4));
  const target = graph.input("target", i32(6));
  const candidates = { all: () => items, rows: (indices: Value) => gather(items, indices) };
  const weight = graph.input("weight", f32(6));
  const sampling = loss.sampling?.(config) ?? null;
  const negatives = sampling && negativeInputs(graph, sampling, 6);
  const input = { h, items: candidates, target, weight, scale, negatives, count: 9 };
  const total = loss.apply(input, config);
  graph.output("loss", total);
  graph.output("d/h", backward(total, [h], scalar(graph, 1))[0]!);
  const table = noise([9, 4], "items");
  const targets = [0, 3, 3, 8, 1, 5];
  const toward = (sign: number): NdArray =>
    ndarray([6, 4], (i) => sign * table.data[targets[Math.floor(i / 4)]! * 4 + (i % 4)]!);
  const shares = ndarray([6], (t) => (t === 2 ? 0 : 0.2));
  const drawn = sampling && {
    negatives: ndarray(drawnShape(sampling, 6), (k) => (4 * k) % 9),
    correction: noise(drawnShape(sampling, 6), "correction"),
    hits: ndarray([6, sampling.draws], (k) => Number(k % 4 === 1)),
  };
  const feeds = {
    items: table,
    target: { shape: [6], data: Float64Array.from(targets) },
    weight: shares,
    ...drawn,
  };
  const at = (sign: number): number => evaluateReference(graph, { ...feeds, h: toward(sign) }).loss!.data[0]!;
  const preference = at(1) - at(-1);
  const given = { ...feeds, h: noise([6, 4], "h") };
  const unweighted = evaluateReference(graph, given)["d/h"]!.data.subarray(2 * 4, 3 * 4);
  graph.outputs.delete("d/h");
  return {
    preference,
    padding: Math.max(...unweighted.map(Math.abs)),
    slope: slopeError(graph, given, "loss"),
  };
}

/** Distance from the minimum (1, −2, 3) of a parabola with curvatures 1, 10 and 100 after 3,000 updates. */
export function checkOptimizer<C>(optimizer: Optimizer<C>, config: C, learningRate = 0.02): number {
  const goal = [1, -2, 3];
  const param = new Float32Array(3);
  const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, new Float32Array(3)]));
  for (let step = 1; step <= 3000; step++) {
    const gradient = param.map((v, i) => 10 ** i * (v - goal[i]!));
    optimizer.update(
      { param, gradient, slots, step, learningRate: learningRate * (1 - step / 3001) },
      config,
    );
  }
  return Math.max(...goal.map((g, i) => Math.abs(param[i]! - g)));
}

/** The largest difference that it makes to an elementwise optimizer whether a parameter comes whole or in stretches. */
export function checkStretches<C>(optimizer: Optimizer<C>, config: C): number {
  const start = Float32Array.from(noise([7], "stretches").data);
  const updated = (stretches: readonly (readonly [number, number])[]): Float32Array => {
    const param = start.slice();
    const slots = Object.entries(Object.fromEntries(optimizer.slots.map((s) => [s, new Float32Array(7)])));
    for (let step = 1; step <= 20; step++) {
      const gradient = param.map((v, i) => v - i);
      for (const [from, to] of stretches) {
        const parts = slots.map(([slot, values]) => [slot, values.subarray(from, to)]);
        optimizer.update(
          {
            param: param.subarray(from, to),
            gradient: gradient.subarray(from, to),
            slots: Object.fromEntries(parts),
            step,
            learningRate: 0.1,
          },
          config,
        );
      }
    }
    return param;
  };
  const [whole, apart] = [
    updated([[0, 7]]),
    updated([
      [0, 3],
      [3, 4],
      [4, 7],
    ]),
  ];
  return Math.max(...whole.map((v, i) => Math.abs(v - apart[i]!)));
}
