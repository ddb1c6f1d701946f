/** @file The laws of item encoders, measured in float64; each number is for the caller to bound. */
import { Graph } from "../graph/graph.ts";
import { constant } from "../graph/ops/index.ts";
import type { ItemEncoder, Networks } from "../models/define.ts";
import { noDropout } from "../nn/layers.ts";
import { Params } from "../nn/params.ts";
import { evaluateReference, toNdArray } from "../runtime/reference.ts";
import { type NdArray, ndarray } from "../tensor/ndarray.ts";
import { stream } from "../tensor/random.ts";
import { formatShape, knownShape } from "../tensor/spec.ts";
import { slopeError } from "./check-parts.ts";

const count = 5;
/** The item about which no constant says anything. */
const unknown = 3;

export interface ItemReport {
  readonly shape: string;
  /** Largest change of a vector when the rows of other items change: must be 0. */
  readonly strangers: number;
  /** Smallest change of a known item's vector when its own rows change: must not be 0. */
  readonly own: number;
  /** Largest change of an unknown item's vector when what stands in its rows changes: must be 0. */
  readonly unknown: number;
  /** Relative error of the gradient along a random direction of all weights. */
  readonly slope: number;
  /** Largest difference of a vector when some items are looked at again, one of them twice: must be 0. */
  readonly again: number;
  /** Weights that change nothing: there must be none. */
  readonly idle: readonly string[];
}

/**
 * Measures the laws of an item encoder on five items. Item 3 is one that the encoder's marks ("present", "seen", "lengths") call
 * unknown; weights of its own rows are not counted among what it must not read. `networks` are those that it is made of.
 */
export function checkItems<C>(encoder: ItemEncoder<C>, config: C, networks?: Networks): ItemReport {
  const graph = new Graph();
  const params = new Params(graph);
  const { vectors } = encoder.apply(params, { count, drop: () => noDropout, networks }, config);
  graph.output("vectors", vectors);
  const looked = [count - 1, 0, 0, unknown];
  const rows = constant(graph, "int32", [looked.length], looked);
  const input = { count: looked.length, drop: () => noDropout, networks };
  graph.output("again", encoder.apply(params.rowsOf(rows), input, config).vectors);
  const random = stream(5, "items");
  const noise = (name: string, deviation: number): NdArray => {
    const s = random.at(name);
    const { value: declared, data } = graph.params.get(name)!;
    if (data !== null) return toNdArray(data);
    const { shape, dtype } = declared;
    const whole = { int32: 2, uint8: 256 } as Readonly<Record<string, number>>;
    const value = dtype in whole ? () => s.below(whole[dtype]!) : () => deviation * s.normal();
    return ndarray(knownShape(shape, name), value);
  };
  const isMark = (name: string): boolean => /(^|\.)(present|seen|lengths)$/.test(name);
  const marks = (): NdArray => ndarray([count, 1], (item) => (item === unknown ? -1 : 2));
  const names = [...graph.params.keys()];
  const feeds = Object.fromEntries(
    names.map((name) => [name, isMark(name) ? marks() : noise(name, graph.frozen.has(name) ? 1 : 0.4)]),
  );
  const { vectors: first, again } = evaluateReference(graph, feeds);
  const base = first!;
  graph.outputs.delete("again");
  const width = base.data.length / count;
  const changed = (items: readonly number[], which: (name: string) => boolean): NdArray => {
    const moved = names
      .filter((name) => params.tables.has(name) && !isMark(name) && which(name))
      .map((name) => {
        const data = feeds[name]!.data.slice();
        const size = data.length / count;
        const isIndex = graph.params.get(name)!.value.dtype === "int32";
        for (const item of items)
          for (let at = item * size; at < (item + 1) * size; at++)
            data[at] = isIndex ? 1 - data[at]! : data[at]! + random.at("change", name, at).normal();
        return [name, { shape: feeds[name]!.shape, data }] as const;
      });
    return evaluateReference(graph, { ...feeds, ...Object.fromEntries(moved) }).vectors!;
  };
  const difference = (other: NdArray, item: number): number => {
    const place = (c: number): number => item * width + c;
    const each = Array.from({ length: width }, (_, c) =>
      Math.abs(other.data[place(c)]! - base.data[place(c)]!),
    );
    return Math.max(...each);
  };
  const all = Array.from({ length: count }, (_, item) => item);
  const others = (item: number): number[] => all.filter((other) => other !== item);
  const isConstant = (name: string): boolean => graph.frozen.has(name);
  const known = others(unknown);
  return {
    shape: formatShape(vectors.shape),
    strangers: Math.max(
      ...all.map((item) =>
        difference(
          changed(others(item), () => true),
          item,
        ),
      ),
    ),
    own: Math.min(
      ...known.map((item) =>
        difference(
          changed([item], () => true),
          item,
        ),
      ),
    ),
    unknown: difference(changed([unknown], isConstant), unknown),
    slope: slopeError(graph, feeds, "vectors"),
    again: Math.max(
      ...Array.from(again!.data, (v, i) =>
        Math.abs(v - base.data[looked[Math.floor(i / width)]! * width + (i % width)]!),
      ),
    ),
    idle: idleWeights(graph, feeds),
  };
}

/** Weights whose change leaves all vectors as they are. */
function idleWeights(graph: Graph, feeds: Readonly<Record<string, NdArray>>): string[] {
  const base = evaluateReference(graph, feeds).vectors!;
  return [...graph.params.keys()].filter((name) => {
    if (graph.frozen.has(name)) return false;
    const { shape, data } = feeds[name]!;
    const moved = { shape, data: data.map((v, i) => v + 0.1 * Math.sin(i + 1)) };
    const after = evaluateReference(graph, { ...feeds, [name]: moved }).vectors!;
    return after.data.every((v, i) => v === base.data[i]);
  });
}
