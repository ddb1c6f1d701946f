/** @file Interpolation along axes: images made larger or smaller. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { count, type Dim, formatShape, knownShape, type Shape, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { constant } from "./constant.ts";
import { matmul } from "./matmul.ts";
import { reshape } from "./shape.ts";

/** Where a new element lies between the old ones. */
export const coordinateModes = [
  "half_pixel",
  "half_pixel_symmetric",
  "pytorch_half_pixel",
  "align_corners",
  "asymmetric",
] as const;
export const nearestModes = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] as const;

export interface ResizeAttributes extends Record<string, unknown> {
  /** New sizes of all axes. */
  readonly sizes: readonly Dim[];
  /** Factors of all axes, where the file says them; else new size over old size. */
  readonly scales: readonly number[] | null;
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinates: (typeof coordinateModes)[number];
  readonly nearest: (typeof nearestModes)[number];
  /** The coefficient of the cubic kernel. */
  readonly cubic: number;
}

/** One axis: the old size, the new one and the factor between them. */
interface Axis {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
}

const { fround } = Math; // ONNX Runtime computes places in float32, which decides ties

const coordinate: Record<ResizeAttributes["coordinates"], (i: number, axis: Axis) => number> = {
  half_pixel: (i, { scale }) => fround(fround((i + 0.5) / scale) - 0.5),
  half_pixel_symmetric: (i, { from, to, scale }) => {
    const offset = (from / 2) * (1 - to / (scale * from));
    return fround(offset + fround((i + 0.5) / scale) - 0.5);
  },
  pytorch_half_pixel: (i, { to, scale }) => (to > 1 ? fround(fround((i + 0.5) / scale) - 0.5) : 0),
  align_corners: (i, { from, to }) => (to === 1 ? 0 : fround((i * (from - 1)) / (to - 1))),
  asymmetric: (i, { scale }) => fround(i / scale),
};

const rounding: Record<ResizeAttributes["nearest"], (x: number) => number> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Weights of the neighbours −1, 0, 1 and 2 of a place that lies `t` after neighbour 0. */
function cubicWeights(t: number, a: number): number[] {
  const near = (x: number): number => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number): number => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [far(1 + t), near(t), near(1 - t), far(2 - t)];
}

/** Old elements and their weights in each new element of an axis. */
function contributions(axis: Axis, attributes: ResizeAttributes): [index: number, weight: number][][] {
  const inside = (index: number): number => Math.min(Math.max(index, 0), axis.from - 1);
  return Array.from({ length: axis.to }, (_, i) => {
    const x = coordinate[attributes.coordinates](i, axis);
    if (attributes.mode === "nearest") return [[inside(rounding[attributes.nearest](x)), 1]];
    const place = attributes.mode === "linear" ? inside(x) : x;
    const low = Math.floor(place);
    const t = place - low;
    if (attributes.mode === "linear") return [[low, 1 - t], [inside(low + 1), t]]; // biome-ignore format: one line
    return cubicWeights(t, attributes.cubic).map((w, k) => [inside(low - 1 + k), w]);
  });
}

/** The axes that change. @throws ShapeError where one of them is open */
function changes(
  from: Shape,
  to: Shape,
  scales: readonly number[] | null,
): (Axis & { readonly at: number })[] {
  return from.flatMap((size, at) => {
    if (size === to[at] && (scales?.[at] ?? 1) === 1) return [];
    const [old, now] = knownShape([size, to[at]!], "resize: its gradient") as [number, number];
    return [{ at, from: old, to: now, scale: fround(scales?.[at] ?? now / old) }];
  });
}

function along(x: NdArray, at: number, weights: [number, number][][]): NdArray {
  const shape = x.shape.with(at, weights.length);
  const width = count(shape.slice(at + 1));
  const size = x.shape[at]!;
  return ndarray(shape, (flat) => {
    const run = Math.floor(flat / width);
    const outer = Math.floor(run / weights.length) * size;
    return weights[run % weights.length]!.reduce(
      (sum, [index, weight]) => sum + weight * x.data[(outer + index) * width + (flat % width)]!,
      0,
    );
  });
}

/** Elements of the matrix of an axis. */
const mostWeights = 2 ** 22;

/** Gradients go back along one axis after the other by the transposed weights, as a matrix product. */
function back(g: Value, axis: Axis & { readonly at: number }, attributes: ResizeAttributes): Value {
  if (axis.from * axis.to > mostWeights)
    throw new ShapeError(
      "resize",
      `resize: its gradient is not implemented for axes as long as ${axis.from} and ${axis.to}`,
    );
  const matrix = new Float64Array(axis.from * axis.to);
  contributions(axis, attributes).forEach((list, i) => {
    for (const [index, weight] of list) matrix[index * axis.to + i]! += weight;
  });
  const transposed = constant(g.graph, g.dtype, [axis.from, axis.to], matrix);
  const outer = sizeOf(g.shape.slice(0, axis.at));
  const inner = sizeOf(g.shape.slice(axis.at + 1));
  const product = matmul(transposed, reshape(g, [outer, axis.to, inner]));
  return reshape(product, g.shape.with(axis.at, axis.from));
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const sample = (shape: number[], sizes: number[], attributes: Partial<ResizeAttributes>) => ({
  inputs: [f(...shape)],
  attributes: {
    sizes,
    scales: null,
    mode: "linear",
    coordinates: "half_pixel",
    nearest: "round_prefer_floor",
    cubic: -0.75,
    ...attributes,
  } as ResizeAttributes,
});

const resizeOp = defineOp<ResizeAttributes>({
  name: "resize",
  dims: ["sizes"],
  infer: ([x], { sizes }) => {
    if (sizes.length !== x!.shape.length)
      throw new ShapeError(
        "resize",
        `resize: ${formatShape(x!.shape)} does not become ${formatShape(sizes)}`,
      );
    return [{ dtype: x!.dtype, shape: sizes }];
  },
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => {
    const axes = changes(x!.shape, attributes.sizes, attributes.scales);
    return [axes.reduce((part, axis) => back(part, axis, attributes), g!)];
  },
  lower: (e, [x], { sizes, scales, mode, coordinates, nearest, cubic }) => {
    const given = scales ? e.constant("float32", [scales.length], scales) : "";
    const attributes = {
      mode,
      coordinate_transformation_mode: coordinates,
      ...(mode === "nearest" ? { nearest_mode: nearest } : {}),
      ...(mode === "cubic" ? { cubic_coeff_a: { float: cubic } } : {}),
    };
    return e.node("Resize", [x!, "", given, ...(scales ? [] : [e.dims(sizes)])], { attributes });
  },
  reference: ([x], attributes, [shape]) => [
    changes(x!.shape, shape!, attributes.scales).reduce(
      (y, axis) => along(y, axis.at, contributions(axis, attributes)),
      x!,
    ),
  ],
  samples: [
    sample([1, 2, 3, 4], [1, 2, 5, 7], {}),
    sample([1, 1, 4, 6], [1, 1, 3, 2], { coordinates: "align_corners" }),
    sample([1, 1, 3, 3], [1, 1, 6, 4], { mode: "nearest", coordinates: "asymmetric", nearest: "floor" }),
    sample([1, 1, 4, 4], [1, 1, 6, 5], { mode: "cubic" }),
  ],
});

/** New sizes by interpolation. */
export const resize = (x: Value, attributes: ResizeAttributes): Value =>
  x.graph.apply(resizeOp, [x], attributes)[0]!;

export const resizeOps = [resizeOp];
