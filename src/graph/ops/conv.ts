/**
 * @file Convolution and its two adjoints. A convolution is linear in its input and in its weights, so that with the
 * gradient arriving at its output it makes one number ⟨y, x ∗ w⟩ of three tensors. The three operators are the
 * derivatives of that number, and the gradients of each are the other two.
 */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import {
  count,
  type Dim,
  formatShape,
  formatSpec,
  isFloat,
  type Shape,
  type TensorSpec,
} from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Sample, type SampleInput } from "../op.ts";
import { barrier } from "./barrier.ts";
import { lowerConv, lowerConvTranspose } from "./conv-onnx.ts";
import { lowerConvWeights } from "./conv-weights-onnx.ts";
import { sum } from "./reduce.ts";
import { filledSize, touches, type Window, type WindowOptions, windowCounts, windowOf } from "./windows.ts";

export interface ConvAttributes extends Window {
  readonly groups: number;
}
export interface ConvTransposeAttributes extends ConvAttributes {
  /** [S…], which the output of a strided convolution does not tell. */
  readonly size: Shape;
}
export interface ConvWeightsAttributes extends ConvAttributes {
  readonly kernel: readonly number[];
}

const plane = (stride: number, pads: Window["pads"], groups = 1): ConvAttributes => ({
  strides: [stride, stride],
  dilations: [1, 1],
  pads,
  groups,
});
/** Shapes of x, w and y, and what relates them. */
const cases: readonly (readonly [number[], number[], number[], ConvAttributes])[] = [
  [[2, 3, 4, 4], [2, 3, 3, 3], [2, 2, 4, 4], plane(1, [1, 1, 1, 1])],
  [[0, 3, 4, 4], [2, 3, 3, 3], [0, 2, 4, 4], plane(1, [1, 1, 1, 1])],
  [[2, 5, 6, 5], [3, 5, 3, 3], [2, 3, 3, 3], plane(2, [0, 1, 1, 1])],
  [[1, 4, 6, 7], [6, 2, 2, 3], [1, 6, 4, 3], { ...plane(1, [0, 0, 0, 0], 2), dilations: [2, 2] }],
  [[2, 4, 6, 6], [6, 2, 2, 2], [2, 6, 3, 2], { ...plane(2, [0, 0, 0, 0], 2), dilations: [1, 3] }],
  [[2, 3, 5, 5], [3, 1, 3, 3], [2, 3, 5, 5], plane(1, "SAME_UPPER", 3)],
  [[2, 3, 6, 5], [3, 1, 3, 3], [2, 3, 3, 3], plane(2, "SAME_LOWER", 3)],
  [[1, 1, 258], [1, 1, 2], [1, 1, 257], { strides: [1], dilations: [1], pads: [0, 0], groups: 1 }],
  [[2, 4, 3, 3], [5, 4, 1, 1], [2, 5, 3, 3], plane(1, [0, 0, 0, 0])],
  [[2, 6, 1, 1], [4, 3, 1, 1], [2, 4, 1, 1], plane(1, [0, 0, 0, 0], 2)],
  [[2, 4, 5, 4], [4, 4, 1, 1], [2, 4, 2, 2], plane(3, [0, 1, 1, 0])],
  [[2, 3, 9], [4, 3, 4], [2, 4, 3], { strides: [3], dilations: [1], pads: [2, 0], groups: 1 }],
  [
    [1, 2, 3, 4, 3],
    [2, 1, 2, 2, 2],
    [1, 2, 2, 3, 3],
    { strides: [1, 1, 1], dilations: [1, 1, 1], pads: [0, 0, 0, 0, 0, 1], groups: 2 },
  ],
  [[0, 2, 4, 4], [3, 2, 3, 3], [0, 3, 2, 2], plane(1, [0, 0, 0, 0])],
];
const tensor = (...shape: number[]): SampleInput => ({ dtype: "float32", shape });

/** Calls `add` with the flat places of every product x·w that belongs to an element of y. */
function products(
  [x, w, y]: readonly [readonly number[], readonly number[], readonly number[]],
  attributes: ConvAttributes,
  add: (x: number, w: number, y: number) => void,
): void {
  const { groups } = attributes;
  const inner = w[1]!;
  const [volume, taps, places] = [x, w, y].map((shape) => count(shape.slice(2))) as [number, number, number];
  const near = touches(x.slice(2), y.slice(2), w.slice(2), attributes);
  for (let b = 0; b < x[0]!; b++) {
    for (let o = 0; o < w[0]!; o++) {
      const first = Math.floor(o / (w[0]! / groups)) * inner;
      const toY = (b * w[0]! + o) * places;
      for (let i = 0; i < inner; i++) {
        const fromX = (b * x[1]! + first + i) * volume;
        const fromW = (o * inner + i) * taps;
        for (const { at, tap, from } of near) add(fromX + from, fromW + tap, toY + at);
      }
    }
  }
}

const refuse = (where: string, what: string, specs: readonly TensorSpec[]): never => {
  throw new ShapeError("conv", `${where}: ${what}; got ${specs.map(formatSpec).join(", ")}`);
};

/** Checks what the three shapes have in common. */
function checkFit(
  where: string,
  x: TensorSpec,
  w: TensorSpec,
  specs: readonly TensorSpec[],
  groups: number,
): void {
  if (x.shape.length < 3 || w.shape.length !== x.shape.length)
    refuse(where, "data must be [B, C, S…] and weights [O, C/groups, K…]", specs);
  const [outer, inner] = w.shape;
  const known = [x.shape[1]!, outer!, inner!];
  if (known.some((d) => typeof d !== "number") || w.shape.some((d) => typeof d !== "number"))
    refuse(where, "channels and kernel sizes must be known", specs);
  if (known.includes(0)) refuse(where, "there must be channels", specs); // ONNX Runtime would not come to an end
  if (x.shape[1] !== (inner as number) * groups || (outer as number) % groups !== 0)
    refuse(where, `channels and weights do not fit with ${groups} groups`, specs);
  if (specs.some(({ dtype }) => dtype !== x.dtype || !isFloat(dtype)))
    refuse(where, "all must have one floating-point type", specs);
}

const kernelOf = ({ shape }: { shape: Shape }): number[] => shape.slice(2) as number[];
const spatialOf = ({ shape }: { shape: Shape }): Shape => shape.slice(2);
/** Sum over everything but the channels: the gradient of a bias. */
const overChannels = (g: Value): Value => sum(g, [0, ...g.shape.slice(2).map((_, i) => i + 2)]);
const checkBias = (
  where: string,
  channels: Dim,
  bias: TensorSpec | undefined,
  specs: readonly TensorSpec[],
): void => {
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== channels))
    refuse(where, `the bias must be [${channels}]`, specs);
};
/** The windows over x must be the places of y, where both are known. */
function checkPlaces(where: string, x: TensorSpec, y: TensorSpec, places: Shape): void {
  const differs = (d: Dim, axis: number): boolean =>
    typeof d === "number" && typeof places[axis] === "number" && d !== places[axis];
  if (y.shape.length !== x.shape.length || spatialOf(y).some(differs))
    refuse(where, `a convolution of ${formatShape(spatialOf(x))} gives ${formatShape(places)}`, [x, y]);
}
const withBias = (y: NdArray, bias: NdArray | undefined): NdArray => {
  const places = count(y.shape.slice(2));
  if (bias)
    for (let i = 0; i < y.data.length; i++)
      y.data[i]! += bias.data[Math.floor(i / places) % bias.data.length]!;
  return y;
};

const convOp = defineOp<ConvAttributes>({
  name: "conv",
  infer: (specs, attributes) => {
    const [x, w, bias] = specs as [TensorSpec, TensorSpec, TensorSpec?];
    checkFit("conv", x, w, specs, attributes.groups);
    checkBias("conv", w.shape[0]!, bias, specs);
    const places = windowCounts("conv", spatialOf(x), kernelOf(w), attributes);
    return [{ dtype: x.dtype, shape: [x.shape[0]!, w.shape[0]!, ...places] }];
  },
  gradient: ({ inputs: [x, w, bias], cotangents: [g], attributes, needs }) => {
    const dw = needs[1] ? weightsBetween(x!, g!, { ...attributes, kernel: kernelOf(w!) }) : null;
    const db = bias && needs[2] ? overChannels(g!) : null;
    const dx = needs[0]
      ? transposed(g!, last(w!, dw, db), null, { ...attributes, size: spatialOf(x!) })
      : null;
    return bias ? [dx, dw, db] : [dx, dw];
  },
  lower: lowerConv,
  reference: ([x, w, bias], attributes, [shape]) => {
    const y = ndarray(shape!);
    products([x!.shape, w!.shape, shape!], attributes, (i, j, k) => {
      y.data[k]! += x!.data[i]! * w!.data[j]!;
    });
    return [withBias(y, bias)];
  },
  samples: cases.map(([x, w, y, attributes], k): Sample<ConvAttributes> => {
    const bias = k % 2 === 1 ? [tensor(w[0]!)] : [];
    return { inputs: [tensor(...x), tensor(...w), ...bias], attributes, expected: y };
  }),
});

/**
 * Weights that wait for the gradients of the parameters. Left to itself ONNX Runtime first follows the gradient down to the
 * input and keeps the one that arrives at every layer for its parameters: twice the memory of the activations.
 */
const last = (w: Value, ...gradients: (Value | null)[]): Value => {
  const found = gradients.filter((g) => g !== null);
  return w.dtype === "float32" ? barrier(w, ...found) : w;
};

const convTransposeOp = defineOp<ConvTransposeAttributes>({
  name: "convTranspose",
  dims: ["size"],
  infer: (specs, attributes) => {
    const [y, w, bias] = specs as [TensorSpec, TensorSpec, TensorSpec?];
    const { size, groups } = attributes;
    const channels = (w.shape[1] as number) * groups;
    const x = { dtype: y.dtype, shape: [y.shape[0]!, channels, ...size] };
    checkFit("convTranspose", x, w, specs, groups);
    if (y.shape[1] !== w.shape[0] || y.shape.length !== w.shape.length)
      refuse("convTranspose", "data must be [B, O, T…] for weights [O, C/groups, K…]", specs);
    checkBias("convTranspose", channels, bias, specs);
    checkPlaces("convTranspose", x, y, windowCounts("convTranspose", size, kernelOf(w), attributes));
    return [x];
  },
  gradient: ({ inputs: [y, w, bias], cotangents: [g], attributes: { size: _, ...window }, needs }) => [
    needs[0] ? convolved(g!, w!, null, window) : null,
    needs[1] ? weightsBetween(g!, y!, { ...window, kernel: kernelOf(w!) }) : null,
    ...(bias ? [needs[2] ? overChannels(g!) : null] : []),
  ],
  lower: lowerConvTranspose,
  reference: ([y, w, bias], attributes, [shape]) => {
    const x = ndarray(shape!);
    products([shape!, w!.shape, y!.shape], attributes, (i, j, k) => {
      x.data[i]! += y!.data[k]! * w!.data[j]!;
    });
    return [withBias(x, bias)];
  },
  samples: cases.map(([x, w, y, window], k): Sample<ConvTransposeAttributes> => {
    const bias = k % 2 === 0 ? [tensor(x[1]!)] : [];
    return {
      inputs: [tensor(...y), tensor(...w), ...bias],
      attributes: { ...window, size: x.slice(2) },
      expected: x,
    };
  }),
});

const convWeightsOp = defineOp<ConvWeightsAttributes>({
  name: "convWeights",
  infer: (specs, attributes) => {
    const [x, y] = specs as [TensorSpec, TensorSpec];
    const { kernel, groups } = attributes;
    const w = { dtype: x.dtype, shape: [y.shape[1]!, (x.shape[1] as number) / groups, ...kernel] };
    checkFit("convWeights", x, w, specs, groups);
    checkPlaces("convWeights", x, y, windowCounts("convWeights", spatialOf(x), kernel, attributes));
    return [w];
  },
  gradient: ({ inputs: [x, y], cotangents: [g], attributes: { kernel: _, ...window }, needs }) => [
    needs[0] ? transposed(y!, g!, null, { ...window, size: spatialOf(x!) }) : null,
    needs[1] ? convolved(x!, g!, null, window) : null,
  ],
  lower: lowerConvWeights,
  reference: ([x, y], attributes, [shape]) => {
    const w = ndarray(shape!);
    products([x!.shape, shape!, y!.shape], attributes, (i, j, k) => {
      w.data[j]! += x!.data[i]! * y!.data[k]!;
    });
    return [w];
  },
  samples: cases.map(([x, w, y, window]) => ({
    inputs: [tensor(...x), tensor(...y)],
    attributes: { ...window, kernel: w.slice(2) },
    expected: w,
  })),
});

const present = (...values: (Value | null)[]): Value[] => values.filter((v) => v !== null);
const convolved = (x: Value, w: Value, bias: Value | null, attributes: ConvAttributes): Value =>
  x.graph.apply(convOp, present(x, w, bias), attributes)[0]!;
const transposed = (y: Value, w: Value, bias: Value | null, attributes: ConvTransposeAttributes): Value =>
  y.graph.apply(convTransposeOp, present(y, w, bias), attributes)[0]!;
const weightsBetween = (x: Value, y: Value, attributes: ConvWeightsAttributes): Value =>
  x.graph.apply(convWeightsOp, [x, y], attributes)[0]!;

export interface ConvOptions extends WindowOptions {
  readonly groups?: number;
  /** [O] */
  readonly bias?: Value | null;
}

/** Convolution over any number of spatial axes: [B, C, S…] and weights [O, C/groups, K…] → [B, O, T…]. */
export function conv(x: Value, w: Value, { groups = 1, bias = null, ...window }: ConvOptions = {}): Value {
  return convolved(x, w, bias, { ...windowOf("conv", x.rank - 2, window), groups });
}

/**
 * The adjoint of a convolution in its input: [B, O, T…] and weights [O, C/groups, K…] → [B, C, S…]. `size` is [S…]; by
 * default the windows fill the padded input exactly. The bias is [C].
 *
 * @throws ShapeError where `size` is none that a convolution turns into [T…]
 */
export function convTranspose(
  y: Value,
  w: Value,
  { groups = 1, bias = null, size, ...options }: ConvOptions & { readonly size?: Shape } = {},
): Value {
  const window = windowOf("convTranspose", y.rank - 2, options);
  return transposed(y, w, bias, {
    ...window,
    groups,
    size: size ?? filledSize(spatialOf(y), kernelOf(w), window),
  });
}

export const convOps = [convOp, convTransposeOp, convWeightsOp];
