/** @file Maxima of sliding windows. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { count, formatSpec, isFloat, sizeOf } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Sample } from "../op.ts";
import { fill } from "./constant.ts";
import { scatterAdd } from "./gather.ts";
import { reshape } from "./shape.ts";
import {
  ceilMode,
  touches,
  type Window,
  type WindowOptions,
  windowAttributes,
  windowCounts,
  windowOf,
} from "./windows.ts";

export interface PoolAttributes extends Window {
  readonly kernel: readonly number[];
  /** Whether a last window may stick out behind. */
  readonly ceil: boolean;
}

const sample = (shape: number[], expected: number[], attributes: PoolAttributes): Sample<PoolAttributes> => ({
  inputs: [{ dtype: "float32", shape }],
  attributes,
  expected,
});
const square = (kernel: number, stride: number, pads: Window["pads"], ceil = false): PoolAttributes => ({
  kernel: [kernel, kernel],
  strides: [stride, stride],
  dilations: [1, 1],
  pads,
  ceil,
});

/** Planes, a line, a space; windows that stick out, and ones that would start behind the input. */
export const poolSamples: readonly Sample<PoolAttributes>[] = [
  sample([2, 2, 4, 6], [2, 2, 2, 3], square(2, 2, [0, 0, 0, 0])),
  sample([1, 2, 5, 5], [1, 2, 3, 3], square(3, 2, [1, 1, 1, 1])),
  sample([2, 1, 4, 6], [2, 1, 2, 3], square(3, 2, "SAME_LOWER")),
  sample([1, 2, 6, 5], [1, 2, 3, 3], square(3, 2, [0, 1, 0, 0], true)),
  sample([1, 1, 4, 5], [1, 1, 2, 2], square(2, 3, [1, 1, 1, 1], true)),
  sample([1, 2, 5, 7], [1, 2, 3, 3], { ...square(2, 1, [0, 0, 0, 0]), dilations: [2, 4] }),
  sample([2, 3, 7], [2, 3, 3], { kernel: [3], strides: [2], dilations: [1], pads: [0, 0], ceil: false }),
  sample([1, 1, 3, 4, 2], [1, 1, 2, 3, 2], {
    kernel: [2, 2, 1],
    strides: [1, 1, 1],
    dilations: [1, 1, 1],
    pads: [0, 0, 0, 0, 0, 0],
    ceil: false,
  }),
];

/** Which element of x each element of y [B, C, T…] is; of equal ones the first. */
function greatest(x: NdArray, y: readonly number[], attributes: PoolAttributes): number[] {
  const [volume, places] = [x.shape, y].map((shape) => count(shape.slice(2))) as [number, number];
  const near = touches(x.shape.slice(2), y.slice(2), attributes.kernel, attributes);
  const found = new Array<number>(count(y)).fill(-1);
  for (let channel = 0; channel < y[0]! * y[1]!; channel++) {
    for (const { at, from } of near) {
      const to = channel * places + at;
      const candidate = channel * volume + from;
      if (found[to]! < 0 || x.data[candidate]! > x.data[found[to]!]!) found[to] = candidate;
    }
  }
  return found;
}

/** Outputs: the maxima, and where each is in the flattened input. */
const maxPoolOp = defineOp<PoolAttributes>({
  name: "maxPool",
  infer: ([x], attributes) => {
    if (!isFloat(x!.dtype) && x!.dtype !== "uint8")
      throw new ShapeError("maxPool", `maxPool: ${formatSpec(x!)} must be float32, float64 or uint8`);
    const { kernel, ceil } = attributes;
    const places = windowCounts("maxPool", x!.shape.slice(2), kernel, attributes, ceil);
    const shape = [...x!.shape.slice(0, 2), ...places];
    return [
      { dtype: x!.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  gradient: ({ inputs: [x], outputs: [, indices], cotangents: [g] }) => {
    const flat = [sizeOf(g!.shape)];
    const zeros = fill(g!.graph, [sizeOf(x!.shape)], 0, g!.dtype);
    return [reshape(scatterAdd(zeros, reshape(indices!, flat), reshape(g!, flat)), x!.shape)];
  },
  lower: (e, inputs, attributes, node) => {
    const { kernel, ceil } = attributes;
    const spatial = e.shape(node.inputs[0]!).slice(2);
    const window = windowAttributes("maxPool", spatial, kernel, attributes);
    // ONNX Runtime is about ten times slower when it must also say where the maxima are.
    return e.node("MaxPool", inputs, {
      outputs: 2,
      required: 1,
      attributes: { ...window, ceil_mode: ceilMode(spatial, kernel, attributes, ceil) },
    });
  },
  reference: ([x], attributes, [shape]) => {
    const places = greatest(x!, shape!, attributes);
    return [ndarray(shape!, (i) => x!.data[places[i]!]!), { data: Float64Array.from(places), shape: shape! }];
  },
  samples: poolSamples,
});

export interface PoolOptions extends WindowOptions {
  readonly ceil?: boolean;
}

/** Maxima of windows: [B, C, S…] → [B, C, T…], and where each is in the flattened input (int64). */
export function maxPool(
  x: Value,
  kernel: readonly number[],
  { ceil = false, ...window }: PoolOptions = {},
): { y: Value; indices: Value } {
  const attributes = { ...windowOf("maxPool", kernel.length, window), kernel: [...kernel], ceil };
  const [y, indices] = x.graph.apply(maxPoolOp, [x], attributes) as [Value, Value];
  return { y, indices };
}

export const maxPoolOps = [maxPoolOp];
