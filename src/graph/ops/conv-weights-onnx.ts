/**
 * @file The gradient of convolution weights as ONNX nodes. Which form is fastest depends on the sizes; the rules below
 * follow measurements with ONNX Runtime 1.30 (docs/results/engine.md).
 */
import { type Dim, multiplyDims } from "../../tensor/dims.ts";
import { unravel } from "../../tensor/ndarray.ts";
import { count, knownShape } from "../../tensor/spec.ts";
import type { Node } from "../graph.ts";
import type { Emitter } from "../op.ts";
import { oneAfter } from "./barrier.ts";
import type { ConvWeightsAttributes } from "./conv.ts";
import { inFloat32, reshapeTo } from "./conv-onnx.ts";
import { padsAfter, padsBefore } from "./windows.ts";

/** All sizes: x [B, G·I, S…], y [B, G·O, T…], weights [G·O, I, K…]. */
interface Sizes extends ConvWeightsAttributes {
  readonly batch: Dim;
  readonly inner: number;
  readonly outer: number;
  readonly spatial: readonly number[];
  readonly places: readonly number[];
  readonly before: readonly number[];
  /** Negative where no window reaches. */
  readonly after: readonly number[];
}

type Form = (e: Emitter, x: string, y: string, sizes: Sizes) => string;

export function lowerConvWeights(
  e: Emitter,
  names: readonly string[],
  attributes: ConvWeightsAttributes,
  node: Node,
): string[] {
  const x = e.shape(node.inputs[0]!);
  const y = e.shape(node.inputs[1]!);
  const spatial = knownShape(x.slice(2), "convWeights");
  const places = knownShape(y.slice(2), "convWeights");
  const { kernel, groups } = attributes;
  // A convolution over no pictures as channels is one that ONNX Runtime does not come to the end of.
  if (x[0] === 0) {
    const zero = e.constant(node.outputs[0]!.dtype, [], [0]);
    return e.node("Expand", [zero, e.dims(node.outputs[0]!.shape)]);
  }
  const sizes: Sizes = {
    ...attributes,
    batch: x[0]!,
    inner: (x[1] as number) / groups,
    outer: (y[1] as number) / groups,
    spatial,
    places,
    before: padsBefore("convWeights", spatial, kernel, attributes),
    after: padsAfter("convWeights", spatial, places, kernel, attributes),
  };
  return inFloat32(e, node, names, ([left, right]) => formFor(sizes)(e, left!, right!, sizes));
}

/** Strided windows and few channels suit a convolution; else it is one matrix product for each place of the kernel. */
function formFor(sizes: Sizes): Form {
  const { inner, outer, kernel, strides, spatial, places, groups } = sizes;
  const few = inner <= 4 && count(kernel) > 1;
  if (few && strides.some((s) => s > 1)) return correlation;
  if (inner === 1 && outer === 1) return count(places) <= 256 ? products : batchOutside;
  const weights = count(kernel) * outer * inner * groups;
  const data = count(spatial) * inner * groups + count(places) * outer * groups;
  return weights > data ? batchInside : batchOutside;
}

const integers = (e: Emitter, values: readonly number[]): string =>
  e.constant("int64", [values.length], values);
const onAxes = (sizes: Sizes): number[] => sizes.kernel.map((_, axis) => axis + 2);
const swapFirst = (e: Emitter, x: string, { kernel }: Sizes): string =>
  e.node("Transpose", [x], { attributes: { perm: [1, 0, ...kernel.map((_, axis) => axis + 2)] } })[0]!;
const times = (e: Emitter, a: string, b: string): string =>
  e.node("FusedMatMul", [a, b], { domain: "com.microsoft", attributes: { transB: 1 } })[0]!;
const sumOver = (e: Emitter, x: string, axes: readonly number[]): string =>
  e.node("ReduceSum", [x, integers(e, axes)], { attributes: { keepdims: 0 } })[0]!;

/**
 * One part for each place of the kernel, made of what lies under it in all windows: the two leading axes of x stay, then
 * come [T…]. Each place waits for the part before: ONNX Runtime would make all views first and keep them.
 */
function forPlaces(e: Emitter, x: string, sizes: Sizes, part: (view: string) => string): string[] {
  const { kernel, strides, dilations, spatial, places, before, after } = sizes;
  const behind = after.map((p) => Math.max(p, 0));
  const axes = integers(e, onAxes(sizes));
  const padded = [...before, ...behind].some((p) => p > 0)
    ? e.node("Pad", [x, integers(e, [...before, ...behind]), "", axes])[0]!
    : x;
  const parts: string[] = [];
  for (let tap = 0; tap < count(kernel); tap++) {
    const start = unravel(tap, kernel).map((k, axis) => k * dilations[axis]!);
    const end = start.map((v, axis) => v + (places[axis]! - 1) * strides[axis]! + 1);
    const whole = end.every(
      (v, axis) => start[axis] === 0 && v === spatial[axis]! + before[axis]! + behind[axis]!,
    );
    const steps = integers(e, strides);
    const from = waiting(e, integers(e, start), parts.at(-1));
    const view =
      whole && strides.every((s) => s === 1)
        ? padded
        : e.node("Slice", [padded, from, integers(e, end), axes, steps])[0]!;
    parts.push(part(view));
  }
  return parts;
}

/** Integers that are there only once a float value is. */
function waiting(e: Emitter, values: string, previous: string | undefined): string {
  if (previous === undefined) return values;
  const one = e.node("Cast", [oneAfter(e, previous)], { attributes: { to: 7 } })[0]!;
  return e.node("Mul", [values, one])[0]!;
}

/** Puts the parts [G·O·I] of all places of the kernel together. */
function assemble(e: Emitter, parts: readonly string[], { groups, outer, inner, kernel }: Sizes): string {
  const flat = parts.map((part) => reshapeTo(e, part, [groups * outer, inner, 1]));
  const all = flat.length === 1 ? flat[0]! : e.node("Concat", flat, { attributes: { axis: 2 } })[0]!;
  return reshapeTo(e, all, [groups * outer, inner, ...kernel]);
}

/** One product for each picture, then their sum: nothing is transposed. */
function batchOutside(e: Emitter, x: string, y: string, sizes: Sizes): string {
  const { batch, groups, inner, outer, places } = sizes;
  const right = reshapeTo(e, y, [batch, groups, outer, count(places)]);
  const parts = forPlaces(e, x, sizes, (view) => {
    const left = reshapeTo(e, view, [batch, groups, inner, count(places)]);
    return sumOver(e, times(e, right, left), [0]);
  });
  return assemble(e, parts, sizes);
}

/** One product over all places of all pictures: for small pictures with many channels. */
function batchInside(e: Emitter, x: string, y: string, sizes: Sizes): string {
  const { batch, groups, inner, outer, places } = sizes;
  const length = multiplyDims(batch, count(places));
  const right = reshapeTo(e, swapFirst(e, y, sizes), [groups, outer, length]);
  const parts = forPlaces(e, swapFirst(e, x, sizes), sizes, (view) =>
    times(e, right, reshapeTo(e, view, [groups, inner, length])),
  );
  return assemble(e, parts, sizes);
}

/** One kernel for each channel of a small picture. */
function products(e: Emitter, x: string, y: string, sizes: Sizes): string {
  const parts = forPlaces(e, x, sizes, (view) =>
    sumOver(e, e.node("Mul", [view, y])[0]!, [0, ...onAxes(sizes)]),
  );
  return assemble(e, parts, sizes);
}

/** A convolution of x with y as its kernels: pictures are its channels, strides and dilations change places. */
function correlation(e: Emitter, x: string, y: string, sizes: Sizes): string {
  const { batch, groups, inner, kernel, strides, dilations, spatial, places, before, after } = sizes;
  const split = reshapeTo(e, x, [batch, groups, inner, ...spatial]);
  const perm = [2, 1, 0, ...kernel.map((_, axis) => axis + 3)];
  const moved = e.node("Transpose", [split], { attributes: { perm } })[0]!;
  const data = reshapeTo(e, moved, [inner, multiplyDims(batch, groups), ...spatial]);
  const pads = [...before, ...after.map((p) => Math.max(p, 0))];
  const attributes = { kernel_shape: places, strides: dilations, dilations: strides, pads, group: groups };
  const wide = e.node("Conv", [data, swapFirst(e, y, sizes)], { attributes })[0]!;
  const zeros = kernel.map(() => 0);
  const ends = [integers(e, zeros), integers(e, kernel), integers(e, onAxes(sizes))];
  return swapFirst(e, after.some((p) => p < 0) ? e.node("Slice", [wide, ...ends])[0]! : wide, sizes);
}
