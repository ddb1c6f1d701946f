/** @file Means of sliding windows. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray, unravel } from "../../tensor/ndarray.ts";
import {
  count,
  formatSpec,
  isFloat,
  knownShape,
  multiplyDims,
  type Shape,
  type TensorSpec,
} from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter, type OpDef, type Sample } from "../op.ts";
import { emitTransposed, inFloat32, reshapeTo } from "./conv-onnx.ts";
import { type PoolAttributes, type PoolOptions, poolSamples } from "./max-pool.ts";
import { ceilMode, padsBefore, touches, windowAttributes, windowCounts, windowOf } from "./windows.ts";

export interface AverageAttributes extends PoolAttributes {
  /** Whether the places added around the input count as zeros. */
  readonly countPads: boolean;
}
interface SpreadAttributes extends AverageAttributes {
  readonly size: Shape;
}

const samples: readonly Sample<AverageAttributes>[] = poolSamples.map((s, k) => ({
  ...s,
  attributes: { ...s.attributes!, countPads: k % 2 === 1 },
}));

function pooled(where: string, x: TensorSpec, attributes: PoolAttributes): Shape {
  if (!isFloat(x.dtype)) throw new ShapeError(where, `${where}: ${formatSpec(x)} must be float32 or float64`);
  const { kernel, ceil } = attributes;
  return [...x.shape.slice(0, 2), ...windowCounts(where, x.shape.slice(2), kernel, attributes, ceil)];
}

/** What each window divides by [T…]: places of the kernel inside the input, or inside the padded input. */
function divisors(
  spatial: readonly number[],
  counts: readonly number[],
  attributes: AverageAttributes,
): number[] {
  const { kernel, strides, dilations, pads, countPads } = attributes;
  const before = padsBefore("averagePool", spatial, kernel, attributes);
  const lines = spatial.map((size, axis) => {
    const padded = typeof pads === "string" ? Number.POSITIVE_INFINITY : size + pads[axis + spatial.length]!;
    const [low, high] = countPads ? [-before[axis]!, padded] : [0, size];
    return Array.from({ length: counts[axis]! }, (_, at) => {
      const start = at * strides[axis]! - before[axis]!;
      const places = Array.from({ length: kernel[axis]! }, (_, k) => start + k * dilations[axis]!);
      return places.filter((p) => p >= low && p < high).length;
    });
  });
  return Array.from({ length: count(counts) }, (_, flat) =>
    unravel(flat, counts).reduce((product, at, axis) => product * lines[axis]![at]!, 1),
  );
}

/** Calls `add` with the flat places of an element of x and one of y and the weight between them. */
function weighted(
  x: readonly number[],
  y: readonly number[],
  attributes: AverageAttributes,
  add: (x: number, y: number, weight: number) => void,
): void {
  const spatial = x.slice(2);
  const near = touches(spatial, y.slice(2), attributes.kernel, attributes);
  const by = divisors(spatial, y.slice(2), attributes);
  for (let channel = 0; channel < x[0]! * x[1]!; channel++) {
    for (const { at, from } of near)
      add(channel * count(spatial) + from, channel * by.length + at, 1 / by[at]!);
  }
}

const averagePoolOp: OpDef<AverageAttributes> = defineOp<AverageAttributes>({
  name: "averagePool",
  infer: ([x], attributes) => [{ dtype: x!.dtype, shape: pooled("averagePool", x!, attributes) }],
  gradient: ({ inputs: [x], cotangents: [g], attributes }) => [
    g!.graph.apply(spreadOp, [g!], { ...attributes, size: x!.shape.slice(2) })[0]!,
  ],
  lower: (e, names, attributes, node) => {
    const { kernel, dilations, ceil, countPads } = attributes;
    const x = e.shape(node.inputs[0]!);
    const y = e.shape(node.outputs[0]!);
    return inFloat32(e, node, names, ([name]) => {
      if (dilations.some((d) => d > 1)) return dilatedAverage(e, name!, x, y, attributes);
      const spatial = x.slice(2);
      const { dilations: _, ...window } = windowAttributes("averagePool", spatial, kernel, attributes);
      const mode = ceilMode(spatial, kernel, attributes, ceil);
      const modes = { ceil_mode: mode, count_include_pad: Number(countPads) };
      return e.node("AveragePool", [name!], { attributes: { ...window, ...modes } })[0]!;
    });
  },
  reference: ([x], attributes, [shape]) => {
    const y = ndarray(shape!);
    weighted(x!.shape, shape!, attributes, (i, k, weight) => {
      y.data[k]! += x!.data[i]! * weight;
    });
    return [y];
  },
  samples,
});

/** Dilated windows came to ONNX later (opset 19): a convolution with ones, divided. */
function dilatedAverage(
  e: Emitter,
  x: string,
  from: Shape,
  to: Shape,
  attributes: AverageAttributes,
): string {
  const { kernel, dilations, strides } = attributes;
  const spatial = knownShape(from.slice(2), "averagePool");
  const counts = knownShape(to.slice(2), "averagePool");
  const data = reshapeTo(e, x, [multiplyDims(from[0]!, from[1]!), 1, ...spatial]);
  const before = padsBefore("averagePool", spatial, kernel, attributes);
  const after = counts.map((d, axis) =>
    Math.max(
      (d - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1 - before[axis]! - spatial[axis]!,
      0,
    ),
  );
  const window = { kernel_shape: kernel, strides, dilations, pads: [...before, ...after] };
  const sums = e.node("Conv", [data, constantOf(e, [1, 1, ...kernel], 1)], { attributes: window })[0]!;
  const reciprocals = divisors(spatial, counts, attributes).map((d) => 1 / d);
  return reshapeTo(e, e.node("Mul", [sums, e.constant("float32", [1, 1, ...counts], reciprocals)])[0]!, to);
}

const constantOf = (e: Emitter, shape: readonly number[], value: number): string =>
  e.constant("float32", shape, new Array<number>(count(shape)).fill(value));

/** The adjoint: every window's share goes back to its places. [B, C, T…] → [B, C, S…]. */
const spreadOp: OpDef<SpreadAttributes> = defineOp<SpreadAttributes>({
  name: "spreadAverages",
  dims: ["size"],
  infer: ([y], { size }) => [{ dtype: y!.dtype, shape: [...y!.shape.slice(0, 2), ...size] }],
  gradient: ({ cotangents: [g], attributes: { size: _, ...attributes } }) => [
    g!.graph.apply(averagePoolOp, [g!], attributes)[0]!,
  ],
  lower: (e, names, attributes, node) => {
    const y = e.shape(node.inputs[0]!);
    const x = e.shape(node.outputs[0]!);
    const size = knownShape(x.slice(2), "averagePool");
    const counts = knownShape(y.slice(2), "averagePool");
    const reciprocals = divisors(size, counts, attributes).map((d) => 1 / d);
    const equal = reciprocals.every((r) => r === reciprocals[0]);
    const weights = [1, 1, ...attributes.kernel];
    return inFloat32(e, node, names, ([name]) => {
      const shares = equal ? name! : e.node("Mul", [name!, e.constant("float32", counts, reciprocals)])[0]!;
      const data = reshapeTo(e, shares, [multiplyDims(y[0]!, y[1]!), 1, ...counts]);
      const kernel = constantOf(e, weights, equal ? reciprocals[0]! : 1);
      return reshapeTo(
        e,
        emitTransposed(e, [data, kernel], weights, { ...attributes, size, groups: 1 }, counts),
        x,
      );
    });
  },
  reference: ([y], attributes, [shape]) => {
    const x: NdArray = ndarray(shape!);
    weighted(shape!, y!.shape, attributes, (i, k, weight) => {
      x.data[i]! += y!.data[k]! * weight;
    });
    return [x];
  },
  samples: samples.map(({ inputs, attributes, expected }) => ({
    inputs: [{ dtype: "float32" as const, shape: expected! }],
    attributes: { ...attributes!, size: inputs[0]!.shape.slice(2) },
    expected: inputs[0]!.shape,
  })),
});

export interface AverageOptions extends PoolOptions {
  readonly countPads?: boolean;
}

/** Means of windows: [B, C, S…] → [B, C, T…]. */
export function averagePool(
  x: Value,
  kernel: readonly number[],
  { ceil = false, countPads = false, ...window }: AverageOptions = {},
): Value {
  const attributes = {
    ...windowOf("averagePool", kernel.length, window),
    kernel: [...kernel],
    ceil,
    countPads,
  };
  return x.graph.apply(averagePoolOp, [x], attributes)[0]!;
}

export const averagePoolOps = [averagePoolOp, spreadOp];
