/** @file Sliding windows: the geometry that convolutions and pooling share. */
import {
  addDims,
  type Dim,
  floorDivideDims,
  minDims,
  multiplyDims,
  subtractDims,
} from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { formatShape, type Shape, sameShape } from "../../tensor/spec.ts";

/**
 * Places added around each axis: all the sizes before, then all the sizes after. With "SAME_…" as many as make a window
 * start at every stride-th place; an odd one goes after (UPPER) or before (LOWER).
 */
export type WindowPads = readonly number[] | "SAME_UPPER" | "SAME_LOWER";

/** How a window moves over the spatial axes [S…]. */
export interface Window extends Record<string, unknown> {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: WindowPads;
}

export interface WindowOptions {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: WindowPads;
}

/** Fills in what was not said: stride 1, dilation 1, no pads. @throws ShapeError */
export function windowOf(where: string, axes: number, options: WindowOptions): Window {
  const { strides = ones(axes), dilations = ones(axes), pads = zeros(2 * axes) } = options;
  const fits =
    strides.length === axes &&
    dilations.length === axes &&
    (typeof pads === "string" || (pads.length === 2 * axes && pads.every((p) => p >= 0)));
  if (!fits || [...strides, ...dilations].some((v) => !(v > 0)))
    throw new ShapeError(
      "window",
      `${where}: ${axes} spatial axes need as many positive strides and dilations and twice as many pads that are not negative; got strides ${formatShape(strides)}, dilations ${formatShape(dilations)}, pads ${typeof pads === "string" ? pads : formatShape(pads)}`,
    );
  return {
    strides: [...strides],
    dilations: [...dilations],
    pads: typeof pads === "string" ? pads : [...pads],
  };
}

const ones = (n: number): number[] => new Array<number>(n).fill(1);
const zeros = (n: number): number[] => new Array<number>(n).fill(0);

/** Elements of a window; kernels visit each of them for each place. */
const mostTaps = 2 ** 24;

/** Places that a dilated kernel spans along each axis. */
export const extentsOf = (kernel: readonly number[], { dilations }: Window): number[] =>
  kernel.map((k, axis) => (k - 1) * dilations[axis]! + 1);

/** ⌈a/b⌉. */
const ceilDivide = (a: Dim, b: number): Dim => floorDivideDims(addDims(a, b - 1), b);

/**
 * Number of places [T…] of a window over [S…]. `ceil` also counts a last window that sticks out behind, if it starts
 * inside the input or before it.
 *
 * @throws ShapeError where not one window fits
 */
export function windowCounts(
  where: string,
  spatial: Shape,
  kernel: readonly number[],
  window: Window,
  ceil = false,
): Dim[] {
  const taps = kernel.reduce((product, size) => product * size, 1);
  if (kernel.some((size) => !(size > 0)) || taps > mostTaps)
    throw new ShapeError(
      "window",
      `${where}: a window of ${formatShape(kernel)} has ${taps > 0 ? "too many" : "no"} elements`,
    );
  const counts = placesOf(spatial, kernel, window, ceil);
  if (counts.some((d) => typeof d === "number" && d < 1))
    throw new ShapeError(
      "window",
      `${where}: a window of ${formatShape(extentsOf(kernel, window))} does not fit into ${formatShape(spatial)} with pads ${window.pads}`,
    );
  return counts;
}

function placesOf(spatial: Shape, kernel: readonly number[], window: Window, ceil: boolean): Dim[] {
  const extents = extentsOf(kernel, window);
  return spatial.map((size, axis) => {
    const stride = window.strides[axis]!;
    if (typeof window.pads === "string") return ceilDivide(size, stride);
    const before = window.pads[axis]!;
    const after = window.pads[axis + spatial.length]!;
    const room = addDims(size, before + after - extents[axis]!);
    if (!ceil) return addDims(floorDivideDims(room, stride), 1);
    return minDims(addDims(ceilDivide(room, stride), 1), ceilDivide(addDims(size, before), stride));
  });
}

/** ONNX's attribute: 1 only where it counts, since older checkers also count last windows that start behind the input. */
export function ceilMode(spatial: Shape, kernel: readonly number[], window: Window, ceil: boolean): 0 | 1 {
  const [up, down] = [true, false].map((mode) => placesOf(spatial, kernel, window, mode)) as [Dim[], Dim[]];
  return ceil && !sameShape(up, down) ? 1 : 0;
}

/** WindowPads before each axis. @throws ShapeError where they depend on an open dimension */
export function padsBefore(
  where: string,
  spatial: Shape,
  kernel: readonly number[],
  window: Window,
): number[] {
  const { pads, strides } = window;
  if (typeof pads !== "string") return pads.slice(0, spatial.length);
  return extentsOf(kernel, window).map((extent, axis) => {
    const size = spatial[axis]!;
    const stride = strides[axis]!;
    if (typeof size === "string" && stride > 1) throw unbound(where, size);
    const last = typeof size === "number" ? (Math.ceil(size / stride) - 1) * stride - size : -1;
    const total = Math.max(last + extent, 0);
    return pads === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
}

/** [S…] that [T…] windows fill together with the pads; with "SAME_…" a stride for each, as far as they reach. */
export function filledSize(counts: Shape, kernel: readonly number[], window: Window): Dim[] {
  const { strides, pads } = window;
  return extentsOf(kernel, window).map((extent, axis) => {
    const room = multiplyDims(counts[axis]!, strides[axis]!);
    const behind = extent - strides[axis]!; // what the last window covers more than its stride
    if (typeof pads === "string") return addDims(room, Math.min(behind, 0));
    return addDims(room, behind - pads[axis]! - pads[axis + counts.length]!);
  });
}

const unbound = (where: string, size: string): ShapeError =>
  new ShapeError(
    "unbound-dimension",
    `${where}: its pads depend on the open dimension "${size}"; bind it to a number`,
    { dimension: size },
  );

/** What is left after each axis once [T…] windows stand over [S…]; negative where places of the input are not reached. */
export function padsAfter(
  where: string,
  spatial: Shape,
  counts: Shape,
  kernel: readonly number[],
  window: Window,
): number[] {
  const before = padsBefore(where, spatial, kernel, window);
  return extentsOf(kernel, window).map((extent, axis) => {
    const last = multiplyDims(subtractDims(counts[axis]!, 1), window.strides[axis]!);
    const after = subtractDims(addDims(last, extent - before[axis]!), spatial[axis]!);
    if (typeof after === "string") throw unbound(where, after);
    return after;
  });
}

/** The attributes of an ONNX window; pads that depend on open dimensions are left to ONNX Runtime. */
export function windowAttributes(where: string, spatial: Shape, kernel: readonly number[], window: Window) {
  const { strides, dilations, pads } = window;
  const shared = { kernel_shape: kernel, strides, dilations };
  if (typeof pads !== "string") return { ...shared, pads };
  if (spatial.some((d) => typeof d === "string")) return { ...shared, auto_pad: pads };
  const counts = windowCounts(where, spatial, kernel, window);
  const after = padsAfter(where, spatial, counts, kernel, window).map((p) => Math.max(p, 0));
  return { ...shared, pads: [...padsBefore(where, spatial, kernel, window), ...after] };
}

/** Every element of every window that lies inside the input: flat places in [T…], in the kernel and in [S…]. */
export interface Touch {
  readonly at: number;
  readonly tap: number;
  readonly from: number;
}

export function touches(
  spatial: readonly number[],
  counts: readonly number[],
  kernel: readonly number[],
  window: Window,
): Touch[] {
  const before = padsBefore("reference", spatial, kernel, window);
  let found: Touch[] = [{ at: 0, tap: 0, from: 0 }];
  spatial.forEach((size, axis) => {
    const line: Touch[] = [];
    for (let at = 0; at < counts[axis]!; at++) {
      for (let tap = 0; tap < kernel[axis]!; tap++) {
        const from = at * window.strides[axis]! + tap * window.dilations[axis]! - before[axis]!;
        if (from >= 0 && from < size) line.push({ at, tap, from });
      }
    }
    found = found.flatMap(({ at, tap, from }) =>
      line.map((next) => ({
        at: at * counts[axis]! + next.at,
        tap: tap * kernel[axis]! + next.tap,
        from: from * size + next.from,
      })),
    );
  });
  return found;
}
