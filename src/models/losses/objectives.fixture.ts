/** @file Objectives on a small catalogue, evaluated in float64: what their tests share. */
import { backward } from "../../autodiff/gradient.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { gather, scalar } from "../../graph/ops/index.ts";
import { evaluateReference } from "../../runtime/reference.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { f32, i32 } from "../../tensor/spec.ts";
import { partOf } from "../config.ts";
import { drawnShape, type Loss, negativeInputs } from "../define.ts";

export const [tokens, items, width, scale] = [5, 9, 4, 1.7];
export const target = [0, 2, 4, 6, 8];
export const weight = Array.from({ length: tokens }, (_, t) => (t + 1) / 15);
export const h = ndarray([tokens, width], (i) => Math.sin(i + 1));
export const table = ndarray([items, width], (i) => Math.cos(2 * i));
export const every = Array.from({ length: items }, (_, i) => i);
export const score = (t: number, item: number): number =>
  scale *
  Array.from({ length: width }, (_, c) => h.data[t * width + c]! * table.data[item * width + c]!).reduce(
    (a, b) => a + b,
  );
export const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
export const weighted = (of: (t: number) => number): number => total(weight.map((w, t) => w * of(t)));

export interface Given {
  /** The draw; empty for losses that take none. */
  readonly items?: ArrayLike<number>;
  /** Whether the items are one draw for all tokens (the default), or one after the other for each. */
  readonly each?: "step" | "token";
  /** log(N/K) by default, as for items drawn alike. */
  readonly correction?: ArrayLike<number>;
  readonly hits?: ArrayLike<number>;
  /** States, and how much each token counts, where they are not the usual. */
  readonly h?: NdArray;
  readonly weight?: readonly number[];
  /** How many items the loss is told that there are, by which it chooses how to compute; those of the table by default. */
  readonly count?: number;
}

export type Results = Record<"loss" | "dh" | "dt", NdArray>;

/** Loss and gradients of states and table. */
export function evaluate(name: string, settings: object = {}, given: Given = {}): Results {
  const loss = partOf("loss", name) as Loss;
  const { each = "step", items: drawnItems = [] } = given;
  const draws = drawnItems.length / (each === "token" ? tokens : 1);
  const drawing = loss.sampling ? { negatives: draws, each } : {};
  const config = loss.config.parse({ name, ...drawing, ...settings });
  const sampling = loss.sampling?.(config) ?? null;
  const graph = new Graph();
  const states = graph.input("h", f32(tokens, width));
  const vectors = graph.input("table", f32(items, width));
  const value = loss.apply(
    {
      h: states,
      items: { all: () => vectors, rows: (rows: Value) => gather(vectors, rows) },
      target: graph.input("target", i32(tokens)),
      weight: graph.input("weight", f32(tokens)),
      scale,
      negatives: sampling && negativeInputs(graph, sampling, tokens),
      count: given.count ?? items,
    },
    config,
  );
  graph.output("loss", value);
  const [dh, dt] = backward(value, [states, vectors], scalar(graph, 1));
  graph.output("dh", dh!);
  graph.output("dt", dt!);
  const shape = sampling ? drawnShape(sampling, tokens) : [];
  const array = (data: ArrayLike<number>, ...of: number[]): NdArray => ({
    data: Float64Array.from(data),
    shape: of,
  });
  const drawn = sampling && {
    negatives: array(drawnItems, ...shape),
    correction: given.correction
      ? array(given.correction, ...shape)
      : ndarray(shape, () => Math.log(items / draws)),
    ...(given.hits && { hits: array(given.hits, tokens, draws) }),
  };
  const own = { h: given.h ?? h, weight: array(given.weight ?? weight, tokens) };
  const feeds = { ...own, table, target: array(target, tokens), ...drawn };
  return evaluateReference(graph, feeds) as Results;
}
