/** @file Translation of Resize: repetition where sizes grow by whole factors, else interpolation. */
import type { Value } from "../../graph/graph.ts";
import {
  coordinateModes,
  expand,
  nearestModes,
  type ResizeAttributes,
  reshape,
  resize,
} from "../../graph/ops/index.ts";
import { type Dim, floorDivideDims, multiplyDims } from "../../tensor/dims.ts";
import { formatShape, normalizeAxis } from "../../tensor/spec.ts";
import type { OnnxNode, Rules } from "../node.ts";

/** New sizes, and the factors where the file gives those. */
type Target = Pick<ResizeAttributes, "sizes" | "scales">;

function targetOf(node: OnnxNode): Target {
  const { shape } = node.input(0);
  const axes = node.ints("axes")?.map((axis) => normalizeAxis(axis, shape.length, "Resize"));
  const all = <T>(values: readonly T[], otherwise: (axis: number) => T, what: string): T[] => {
    if (values.length !== (axes ?? shape).length)
      node.fail(`it has ${values.length} ${what} for ${formatShape(shape)}`);
    return shape.map((_, axis) => (axes ? (values[axes.indexOf(axis)] ?? otherwise(axis)) : values[axis]!));
  };
  const given = node.has(2) ? node.numbers(2, "list of scales") : [];
  if (given.length === 0)
    return { sizes: all(node.dims(3, "list of sizes"), (axis) => shape[axis]!, "sizes"), scales: null };
  const scales = all(given, () => 1, "scales");
  return { sizes: shape.map((size, axis) => scaled(node, size, scales[axis]!)), scales };
}

function scaled(node: OnnxNode, size: Dim, scale: number): Dim {
  if (!(scale > 0)) return node.fail(`its scale ${scale} is not positive`);
  if (typeof size === "number") return Math.floor(Math.fround(size * scale));
  if (Number.isInteger(scale)) return multiplyDims(size, scale);
  if (Number.isInteger(1 / scale)) return floorDivideDims(size, 1 / scale);
  return node.fail(`it scales the open dimension "${size}" by ${scale}; bind it to a number`);
}

/** By what whole number every axis grows; null where one does not. */
function factors(shape: readonly Dim[], sizes: readonly Dim[]): number[] | null {
  const all = shape.map((size, axis) => {
    const factor = size === 0 ? 1 : floorDivideDims(sizes[axis]!, size);
    return typeof factor === "number" && multiplyDims(size, factor) === sizes[axis] ? factor : 0;
  });
  return all.every((factor) => factor > 0) ? all : null;
}

/** Whether the nearest element of a size grown by a whole factor is the one that floor(i/factor) names. */
const isRepetition = ({ mode, coordinates, nearest }: ResizeAttributes): boolean =>
  mode === "nearest" &&
  (coordinates === "asymmetric"
    ? nearest === "floor"
    : coordinates !== "align_corners" && nearest.startsWith("round"));

/** Each element so many times, axis by axis. */
function repeatEach(x: Value, times: readonly number[], sizes: readonly Dim[]): Value {
  const apart = x.shape.flatMap((size, axis): Dim[] => (times[axis] === 1 ? [size] : [size, 1]));
  const wide = x.shape.flatMap((size, axis): Dim[] => (times[axis] === 1 ? [size] : [size, times[axis]!]));
  return reshape(expand(reshape(x, apart), wide), sizes);
}

function choice<T extends string>(node: OnnxNode, name: string, known: readonly T[], otherwise: T): T {
  const value = node.string(name, otherwise);
  return known.find((k) => k === value) ?? node.fail(`its ${name} "${value}" is not supported`);
}

function refuseExtras(node: OnnxNode): void {
  for (const name of ["antialias", "exclude_outside"])
    if (node.int(name, 0) !== 0) node.fail(`its ${name} is not supported`);
  choice(node, "keep_aspect_ratio_policy", ["stretch"], "stretch");
}

function resizeOf(node: OnnxNode): Value {
  refuseExtras(node);
  const x = node.input(0);
  const attributes: ResizeAttributes = {
    ...targetOf(node),
    mode: choice(node, "mode", ["nearest", "linear", "cubic"], "nearest"),
    coordinates: choice(node, "coordinate_transformation_mode", coordinateModes, "half_pixel"),
    nearest: choice(node, "nearest_mode", nearestModes, "round_prefer_floor"),
    cubic: node.float("cubic_coeff_a", -0.75),
  };
  const times = isRepetition(attributes) ? factors(x.shape, attributes.sizes) : null;
  if (times) return repeatEach(x, times, attributes.sizes);
  if (x.dtype !== "float32") return node.fail(`it interpolates float32 only, not ${x.dtype}`);
  return resize(x, attributes);
}

export const resizeRules: Rules = { Resize: resizeOf };
