/** @file Translations of operators that take tensors apart, join them and surround them. */
import type { Value } from "../../graph/graph.ts";
import {
  cast,
  concat,
  expand,
  fill,
  type Pads,
  padAxes,
  reshape,
  reverse,
  slice,
  split,
  triangle,
  where,
} from "../../graph/ops/index.ts";
import { addDims, type Dim, floorDivideDims, multiplyDims, subtractDims } from "../../tensor/dims.ts";
import { normalizeAxis } from "../../tensor/spec.ts";
import type { OnnxNode, Rules } from "../node.ts";
import { sliceOf } from "./slice.ts";

/** Sizes that are given, or as many equal parts as asked for; since opset 18 the last one may be smaller. */
function partsOf(node: OnnxNode, size: Dim): readonly Dim[] {
  if (node.has(1)) return node.dims(1, "list of sizes");
  const given = node.ints("split");
  if (given) return given;
  const n = node.int("num_outputs", node.outputCount);
  if (n < 1 || n !== node.outputCount)
    node.fail(`it splits into ${n} parts, but has ${node.outputCount} outputs`);
  if (node.opset < 18) {
    const part = floorDivideDims(size, n);
    if (typeof size === "number" && size % n !== 0) node.fail(`it splits ${size} into ${n} equal parts`);
    return Array.from({ length: n }, () => part);
  }
  const part = floorDivideDims(addDims(size, n - 1), n);
  const last = subtractDims(size, multiplyDims(part, n - 1));
  return Array.from({ length: n }, (_, i) => (i < n - 1 ? part : last));
}

function splitOf(node: OnnxNode): readonly Value[] {
  const x = node.input(0);
  const axis = normalizeAxis(node.int("axis", 0), x.rank, "Split");
  return split(x, axis, partsOf(node, x.size(axis)));
}

function padsOf(node: OnnxNode, rank: number): Pads {
  const pads = node.dims(1, "list of pads");
  const axes = node.has(3)
    ? node.numbers(3, "list of axes").map((axis) => normalizeAxis(axis, rank, "Pad"))
    : Array.from({ length: rank }, (_, axis) => axis);
  if (pads.length !== 2 * axes.length) node.fail(`it has ${pads.length} pads for ${axes.length} axes`);
  return { axes, before: pads.slice(0, axes.length), after: pads.slice(axes.length) };
}

const negative = (d: Dim): boolean => typeof d === "number" && d < 0;

/** What a mode puts before and after an axis of a tensor. */
type Edges = (x: Value, axis: number, before: Dim, after: Dim) => [Value, Value];

const edges: Readonly<Record<string, Edges>> = {
  edge: (x, axis, before, after) => {
    const repeat = (part: Value, times: Dim): Value => expand(part, part.shape.with(axis, times));
    const size = x.size(axis);
    return [repeat(slice(x, axis, 0, 1), before), repeat(slice(x, axis, subtractDims(size, 1), size), after)];
  },
  reflect: (x, axis, before, after) => {
    const last = subtractDims(x.size(axis), 1);
    return [
      reverse(slice(x, axis, 1, addDims(before, 1)), axis),
      reverse(slice(x, axis, subtractDims(last, after), last), axis),
    ];
  },
  wrap: (x, axis, before, after) => {
    const size = x.size(axis);
    return [slice(x, axis, subtractDims(size, before), size), slice(x, axis, 0, after)];
  },
};

function padOf(node: OnnxNode): Value {
  const x = node.input(0);
  const pads = padsOf(node, x.rank);
  const mode = node.string("mode", "constant");
  if (mode === "constant") return padWith(node, x, pads);
  const around = edges[mode] ?? node.fail(`its mode "${mode}" is not supported`);
  const only = (cut: boolean) => (d: Dim) => (negative(d) === cut ? d : 0);
  const { axes, before, after } = pads;
  const start = padAxes(x, { axes, before: before.map(only(true)), after: after.map(only(true)) });
  return axes.reduce((y, axis, i) => {
    const [b, a] = [only(false)(before[i]!), only(false)(after[i]!)];
    if (b === 0 && a === 0) return y;
    const [left, right] = around(y, axis, b, a);
    return concat(b === 0 ? [y, right] : a === 0 ? [left, y] : [left, y, right], axis);
  }, start);
}

/** A constant around a tensor; one that is computed takes the place of zeros. */
function padWith(node: OnnxNode, x: Value, pads: Pads): Value {
  const value = node.has(2) ? node.known(2)?.values[0] : 0;
  if (typeof value === "number") return padAxes(x, pads, value);
  const inside = cast(padAxes(fill(x.graph, x.shape, 1), pads), "bool");
  return where(inside, padAxes(x, pads), reshape(node.input(2), []));
}

export const partRules: Rules = {
  Concat: (node) => concat(node.inputs(), node.int("axis")),
  Pad: padOf,
  Slice: sliceOf,
  Split: splitOf,
  Trilu: (node) =>
    triangle(node.input(0), {
      upper: node.int("upper", 1) === 1,
      k: node.has(1) ? (node.numbers(1, "k")[0] ?? 0) : 0,
    }),
};
