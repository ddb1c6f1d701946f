/** @file Convolutions and their adjoints in the input as ONNX nodes. */
import type { Shape } from "../../tensor/spec.ts";
import type { Node } from "../graph.ts";
import type { Emitter } from "../op.ts";
import type { ConvAttributes, ConvTransposeAttributes } from "./conv.ts";
import { extentsOf, padsAfter, padsBefore, windowAttributes } from "./windows.ts";

/** Runs nodes on float32, which is all that ONNX Runtime's kernels for windows know. */
export function inFloat32(
  e: Emitter,
  node: Node,
  names: readonly string[],
  emit: (names: readonly string[]) => string,
): string[] {
  if (node.inputs[0]!.dtype === "float32") return [emit(names)];
  const narrow = names.map((name) => e.node("Cast", [name], { attributes: { to: 1 } })[0]!);
  return e.node("Cast", [emit(narrow)], { attributes: { to: 11 } });
}

export function lowerConv(
  e: Emitter,
  names: readonly string[],
  attributes: ConvAttributes,
  node: Node,
): string[] {
  const [x, w] = node.inputs;
  const kernel = w!.shape.slice(2) as number[];
  const window = windowAttributes("conv", e.shape(x!).slice(2), kernel, attributes);
  return inFloat32(
    e,
    node,
    names,
    (inputs) => e.node("Conv", inputs, { attributes: { ...window, group: attributes.groups } })[0]!,
  );
}

export function lowerConvTranspose(
  e: Emitter,
  names: readonly string[],
  attributes: ConvTransposeAttributes,
  node: Node,
): string[] {
  const weights = node.inputs[1]!.shape as number[];
  const [counts, size] = [node.inputs[0]!, node.outputs[0]!].map((v) => e.shape(v).slice(2));
  return inFloat32(e, node, names, (inputs) =>
    emitTransposed(e, inputs, weights, { ...attributes, size: size! }, counts!),
  );
}

/**
 * Without strides the adjoint is a convolution with turned kernels, which is as fast as the one it belongs to;
 * ConvTranspose takes 1.3 to 2 times that for one kernel a channel (measured, ONNX Runtime 1.30).
 */
export function emitTransposed(
  e: Emitter,
  [data, weights, ...bias]: readonly string[],
  shape: readonly number[],
  attributes: ConvTransposeAttributes,
  counts: Shape,
): string {
  const { strides, dilations, groups, size } = attributes;
  const kernel = shape.slice(2);
  const before = padsBefore("convTranspose", size, kernel, attributes);
  const after = padsAfter("convTranspose", size, counts, kernel, attributes);
  const reach = extentsOf(kernel, attributes).map((extent) => extent - 1);
  const pads = [...before, ...after].map((p, axis) => reach[axis % reach.length]! - p);
  const shared = { kernel_shape: kernel, dilations, group: groups };
  if (strides.every((s) => s === 1) && pads.every((p) => p >= 0)) {
    const turned = turn(e, weights!, shape, groups);
    return e.node("Conv", [data!, turned, ...bias], { attributes: { ...shared, pads } })[0]!;
  }
  const cut = [...before, ...after.map((p) => Math.max(p, 0))];
  const more = after.map((p) => Math.max(-p, 0));
  return e.node("ConvTranspose", [data!, weights!, ...bias], {
    attributes: { ...shared, strides, pads: cut, output_padding: more },
  })[0]!;
}

/** Weights [O, C/groups, K…] with inputs and outputs swapped in each group and every kernel axis reversed. */
function turn(e: Emitter, weights: string, shape: readonly number[], groups: number): string {
  const [outer, inner, ...kernel] = shape as [number, number, ...number[]];
  const axes = kernel.map((_, axis) => axis + 2);
  const swapped = swap(e, weights, [groups, outer / groups, inner, ...kernel]);
  if (kernel.every((k) => k === 1)) return swapped;
  const all = (value: number) =>
    e.constant(
      "int64",
      [axes.length],
      axes.map(() => value),
    );
  const steps = [all(-1), all(-(2 ** 31)), e.constant("int64", [axes.length], axes), all(-1)];
  return e.node("Slice", [swapped, ...steps])[0]!;
}

/** [G·O, I, K…] → [G·I, O, K…]. */
function swap(
  e: Emitter,
  weights: string,
  [groups, outer, inner, ...kernel]: [number, number, number, ...number[]],
) {
  if (outer === 1 && inner === 1) return weights;
  if (groups === 1) {
    const perm = [1, 0, ...kernel.map((_, axis) => axis + 2)];
    return e.node("Transpose", [weights], { attributes: { perm } })[0]!;
  }
  const split = reshapeTo(e, weights, [groups, outer, inner, ...kernel]);
  const perm = [0, 2, 1, ...kernel.map((_, axis) => axis + 3)];
  const moved = e.node("Transpose", [split], { attributes: { perm } })[0]!;
  return reshapeTo(e, moved, [groups * inner, outer, ...kernel]);
}

/** Reshape to dimensions that may be open. */
export const reshapeTo = (e: Emitter, name: string, shape: Shape): string =>
  e.node("Reshape", [name, e.dims(shape)], { attributes: { allowzero: 1 } })[0]!;
