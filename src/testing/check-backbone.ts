/** @file The laws of backbones, measured in float64; each number is for the caller to bound. */
import { Graph, type Value } from "../graph/graph.ts";
import { type Backbone, usualNeeds } from "../models/define.ts";
import { noDropout } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { evaluateReference } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { f32, i32, knownShape } from "../tensor/spec.ts";
import { slopeError } from "./check-parts.ts";
import { type Arrays, noise, random } from "./law-inputs.ts";

/** Two rows of eight tokens. */
const [rows, length, width] = [2, 8, 8];

/** The same tokens in either row, and a history that may stand elsewhere as well, by its places in the rows. */
const layouts = {
  /** Histories of 3 and 4 tokens and one token of padding. */
  packed: {
    segment: [1, 1, 1, 2, 2, 2, 2, 0],
    position: [2, 1, 0, 3, 2, 1, 0, 0],
    moved: { from: 0, to: 2 * length - 3, tokens: 3 },
  },
  /** One history of 5 tokens after its padding. */
  padded: {
    segment: [0, 0, 0, 1, 1, 1, 1, 1],
    position: [7, 6, 5, 4, 3, 2, 1, 0],
    moved: { from: 3, to: length + 3, tokens: 5 },
  },
} as const;
type Layout = (typeof layouts)[keyof typeof layouts];

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
  readonly layout: Layout;
  readonly feeds: Arrays;
}

function traceBackbone<C>(backbone: Backbone<C>, config: C): TracedBackbone {
  const needs = { ...usualNeeds, ...backbone.needs?.(config) };
  const layout = layouts[needs.rows];
  const graph = new Graph();
  const x = graph.input("x", f32(rows, length, width));
  const position = graph.input("position", i32(rows, length));
  const segment = graph.input("segment", i32(rows, length));
  const timed = needs.times !== "none";
  const times = timed
    ? { met: graph.input("met", i32(rows, length)), asked: graph.input("asked", i32(rows, length)) }
    : undefined;
  const input = {
    x,
    position,
    segment,
    times,
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
    // An hour passes between two items, wherever their history stands.
    ...(timed && { met: twice(layout.position.map((p) => -3600 * (p + 1))) }),
    ...(timed && { asked: twice(layout.position.map((p) => -3600 * p)) }),
  };
  return { graph, layout, feeds };
}

export interface BackboneReport {
  /** Largest change of a state when later tokens of its history change: must be 0 where it says that it sees the past. */
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
  const { graph, layout, feeds } = traceBackbone(backbone, config);
  const { segment } = layout;
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
    place: placeError({ graph, layout, feeds }, base),
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

/** Moves a history of row 0 into row 1, where it stands alone. */
function placeError({ graph, layout, feeds }: TracedBackbone, base: NdArray): number {
  const { from, to, tokens } = layout.moved;
  const x = feeds.x!.data.slice();
  const segment = feeds.segment!.data.slice().fill(0, length);
  x.copyWithin(to * width, from * width, (from + tokens) * width);
  segment.fill(5, to, to + tokens);
  const give = (data: Float64Array, { shape }: NdArray): NdArray => ({ data, shape });
  const columns = ["position", "met", "asked"].filter((name) => feeds[name]);
  const elsewhere = columns.map((name) => {
    const { data, shape } = feeds[name]!;
    return [name, { shape, data: data.slice().copyWithin(to, from, from + tokens) }] as const;
  });
  const moved = evaluateReference(graph, {
    ...feeds,
    x: give(x, feeds.x!),
    segment: give(segment, feeds.segment!),
    ...Object.fromEntries(elsewhere),
  }).states!;
  const error = (k: number): number => Math.abs(moved.data[to * width + k]! - base.data[from * width + k]!);
  return Math.max(...Array.from({ length: tokens * width }, (_, k) => error(k)));
}
