/** @file The laws of backbones, losses and optimizers, measured in float64; each number is for the caller to bound. */
import { backward } from "../autodiff/gradient.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { gather, mul, scalar, sum } from "../graph/ops/index.ts";
import { type Backbone, drawnShape, type Loss, type Optimizer } from "../models/define.ts";
import { noDropout } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { f32, i32, knownShape } from "../tensor/spec.ts";

type Arrays = Record<string, NdArray>;

/** Two rows of eight tokens: histories of 3 and 4 tokens and one token of padding, in either row. */
const layout = {
  rows: 2,
  length: 8,
  width: 8,
  segment: [1, 1, 1, 2, 2, 2, 2, 0],
  position: [2, 1, 0, 3, 2, 1, 0, 0],
};

const random = stream(11, "laws");
const noise = (shape: readonly number[], name: string): NdArray => {
  const s = random.at(name);
  return ndarray(shape, () => s.normal());
};

/** Parameters large enough that every path matters. */
function noisyParams(graph: Graph): Arrays {
  return Object.fromEntries(
    [...graph.params].map(([name, { value }]) => {
      const shape = knownShape(value.shape, name);
      return [
        name,
        ndarray(
          shape,
          (
            (s) => () =>
              0.4 * s.normal()
          )(random.at("param", name)),
        ),
      ];
    }),
  );
}

interface TracedBackbone {
  readonly graph: Graph;
  readonly states: Value;
  readonly feeds: Arrays;
}

function traceBackbone<C>(backbone: Backbone<C>, config: C): TracedBackbone {
  const { rows, length, width } = layout;
  const graph = new Graph();
  const x = graph.input("x", f32(rows, length, width));
  const position = graph.input("position", i32(rows, length));
  const segment = graph.input("segment", i32(rows, length));
  const input = {
    x,
    position,
    segment,
    maxLength: length,
    dropout: noDropout,
    block: (trace: () => Value) => trace(),
  };
  const states = backbone.apply(new Params(graph).at("backbone"), input, config);
  graph.output("states", states);
  const twice = (row: readonly number[]): NdArray => ({
    shape: [rows, length],
    data: Float64Array.from([...row, ...row]),
  });
  const feeds = {
    ...noisyParams(graph),
    x: noise([rows, length, width], "x"),
    position: twice(layout.position),
    segment: twice(layout.segment),
  };
  return { graph, states, feeds };
}

export interface BackboneReport {
  /** Largest change of a state when later tokens of its history change: must be 0 for a causal backbone. */
  readonly future: number;
  /** … when other histories of the row, padding or other rows change: must be 0. */
  readonly strangers: number;
  /** … when the same history stands elsewhere in a row: must be 0 up to rounding. */
  readonly place: number;
  /** Smallest change of a history's last state when one of its earlier tokens changes: must not be 0. */
  readonly past: number;
  /** Relative error of the gradient along a random direction of all parameters and inputs. */
  readonly slope: number;
}

/** Measures the laws of a sequence encoder. Changes are random: a constant shift is invisible to layer norm. */
export function checkBackbone<C>(backbone: Backbone<C>, config: C): BackboneReport {
  const { graph, feeds } = traceBackbone(backbone, config);
  const { length, width, segment } = layout;
  const base = evaluateReference(graph, feeds).states!;
  const changedAt = (tokens: readonly number[]): NdArray => {
    const x = feeds.x!.data.slice();
    for (const t of tokens)
      for (let c = 0; c < width; c++) x[t * width + c]! += random.at("change", t, c).normal();
    return evaluateReference(graph, { ...feeds, x: { shape: feeds.x!.shape, data: x } }).states!;
  };
  const difference = (other: NdArray, t: number): number => {
    let worst = 0;
    for (let c = 0; c < width; c++)
      worst = Math.max(worst, Math.abs(other.data[t * width + c]! - base.data[t * width + c]!));
    return worst;
  };
  const tokens = Array.from({ length }, (_, t) => t);
  const own = (t: number): number[] => tokens.filter((s) => segment[s] === segment[t]);
  const others = (t: number): number[] => [
    ...tokens.filter((s) => segment[s] !== segment[t]),
    ...tokens.map((s) => s + length),
  ];
  const real = tokens.filter((t) => segment[t]! > 0);
  const ends = real.filter((t) => layout.position[t] === 0);
  return {
    future: Math.max(...real.map((t) => difference(changedAt(own(t).filter((s) => s > t)), t))),
    strangers: Math.max(...real.map((t) => difference(changedAt(others(t)), t))),
    place: placeError(graph, feeds, base),
    past: Math.min(
      ...ends.flatMap((t) =>
        own(t)
          .filter((s) => s < t)
          .map((s) => difference(changedAt([s]), t)),
      ),
    ),
    slope: slopeError(graph, feeds, "states"),
  };
}

/** Moves the three-token history from the start of row 0 to the end of row 1, where it stands alone. */
function placeError(graph: Graph, feeds: Arrays, base: NdArray): number {
  const { length, width } = layout;
  const x = feeds.x!.data.slice();
  const segment = feeds.segment!.data.slice().fill(0, length);
  const position = feeds.position!.data.slice().fill(0, length);
  const to = 2 * length - 3;
  x.copyWithin(to * width, 0, 3 * width);
  segment.set([5, 5, 5], to);
  position.set([2, 1, 0], to);
  const give = (data: Float64Array, shape: readonly number[]): NdArray => ({ data, shape });
  const moved = evaluateReference(graph, {
    ...feeds,
    x: give(x, feeds.x!.shape),
    segment: give(segment, feeds.segment!.shape),
    position: give(position, feeds.position!.shape),
  }).states!;
  const error = (k: number): number => Math.abs(moved.data[to * width + k]! - base.data[k]!);
  return Math.max(...Array.from({ length: 3 * width }, (_, k) => error(k)));
}

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
  const negatives = sampling && {
    items: graph.input("negatives", i32(...drawnShape(sampling, 6))),
    correction: graph.input("correction", f32(...drawnShape(sampling, 6))),
  };
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
