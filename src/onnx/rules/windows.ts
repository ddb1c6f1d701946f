/** @file Attributes that sliding-window operators share: kernel_shape, strides, dilations, pads, auto_pad. */
import type { WindowOptions, WindowPads } from "../../graph/ops/index.ts";
import type { OnnxNode } from "../node.ts";

/** Strides, dilations and pads over the spatial axes of the first input. */
export function windowOptions(node: OnnxNode): WindowOptions {
  const strides = node.ints("strides");
  const dilations = node.ints("dilations");
  return { ...(strides ? { strides } : {}), ...(dilations ? { dilations } : {}), pads: padsOf(node) };
}

function padsOf(node: OnnxNode): WindowPads {
  const mode = node.string("auto_pad", "NOTSET");
  if (mode === "SAME_UPPER" || mode === "SAME_LOWER") return mode;
  if (mode !== "NOTSET" && mode !== "VALID") node.fail(`its auto_pad "${mode}" is not known`);
  const none = new Array<number>(2 * spatialAxes(node)).fill(0);
  return mode === "VALID" ? none : (node.ints("pads") ?? none);
}

/** Number of axes after batch and channels. */
export function spatialAxes(node: OnnxNode): number {
  const { rank } = node.input(0);
  return rank > 2
    ? rank - 2
    : node.fail(`its input has ${rank} axes; it needs batch, channels and at least one more`);
}
