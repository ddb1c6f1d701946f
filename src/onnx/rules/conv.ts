/** @file Translations of convolutions. */
import { type ConvOptions, conv, convTranspose, filledSize, windowOf } from "../../graph/ops/index.ts";
import { addDims, type Dim, subtractDims } from "../../tensor/dims.ts";
import { formatShape } from "../../tensor/spec.ts";
import type { OnnxNode, Rules } from "../node.ts";
import { spatialAxes, windowOptions } from "./windows.ts";

function convOptions(node: OnnxNode): ConvOptions {
  const kernel = node.input(1).shape.slice(2);
  const said = node.ints("kernel_shape");
  if (said && said.join() !== kernel.join())
    node.fail(`its kernel_shape ${formatShape(said)} is not that of its weights, ${formatShape(kernel)}`);
  return { ...windowOptions(node), groups: node.int("group", 1), bias: node.optional(2) };
}

/** [S…] and the pads before and after that cut it out of what the windows fill. */
function transposedSize(node: OnnxNode, options: ConvOptions): { size: Dim[]; pads: number[] } {
  const axes = spatialAxes(node);
  const counts = node.input(0).shape.slice(2);
  const kernel = node.input(1).shape.slice(2) as number[];
  const window = windowOf("convTranspose", axes, options);
  const extra = node.ints("output_padding") ?? new Array<number>(axes).fill(0);
  const asked = node.ints("output_shape")?.slice(-axes);
  const filled = filledSize(counts, kernel, window).map((d, axis) => addDims(d, extra[axis]!));
  if (!asked && typeof window.pads !== "string")
    return {
      size: filled,
      pads: window.pads.map((p, i) => (i < axes ? p : Math.max(p - extra[i - axes]!, 0))),
    };
  const size = asked ?? filled;
  const full = filledSize(counts, kernel, { ...window, pads: new Array<number>(2 * axes).fill(0) });
  const cut = full.map((d, axis) => subtractDims(addDims(d, extra[axis]!), size[axis]!));
  const total = cut.map((d) =>
    typeof d === "number" ? Math.max(d, 0) : node.fail(`its output_shape depends on "${d}"`),
  );
  const before = total.map((p) => (window.pads === "SAME_UPPER" ? Math.floor(p / 2) : Math.ceil(p / 2)));
  return {
    size,
    pads: [...before, ...total.map((p, axis) => Math.max(p - before[axis]! - extra[axis]!, 0))],
  };
}

export const convRules: Rules = {
  Conv: (node) => conv(node.input(0), node.input(1), convOptions(node)),
  ConvTranspose: (node) => {
    const options = convOptions(node);
    return convTranspose(node.input(0), node.input(1), { ...options, ...transposedSize(node, options) });
  },
};
