/** @file Translations of operators that give the same elements another shape. */
import type { Value } from "../../graph/graph.ts";
import { expand, reshape, transpose } from "../../graph/ops/index.ts";
import { type Dim, floorDivideDims, multiplyDims, sizeOf } from "../../tensor/dims.ts";
import { broadcastShapes, formatShape, normalizeAxis, type Shape } from "../../tensor/spec.ts";
import { known } from "../known.ts";
import type { OnnxNode, Result, Rules } from "../node.ts";

/** The target of a Reshape: 0 copies a size (unless `allowzero`), −1 is what remains. */
function target(node: OnnxNode): Dim[] {
  const { shape } = node.input(0);
  const zero = node.int("allowzero", 0) === 1;
  const asked = node
    .dims(1, "shape")
    .map((d, axis) =>
      d === 0 && !zero ? (shape[axis] ?? node.fail("a 0 in its shape has no axis to copy")) : d,
    );
  const rest = asked.indexOf(-1);
  if (rest < 0) return asked;
  const others = sizeOf(asked.toSpliced(rest, 1));
  if (others === 0 || asked.includes(-1, rest + 1))
    return node.fail(`its shape [${asked}] leaves open what −1 stands for`);
  return asked.with(rest, floorDivideDims(sizeOf(shape), others));
}

function flatten(node: OnnxNode): Value {
  const x = node.input(0);
  const axis = node.int("axis", 1);
  const at = axis === x.rank ? axis : normalizeAxis(axis, Math.max(x.rank, 1), "Flatten");
  return reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))]);
}

function squeeze(node: OnnxNode): Value {
  const x = node.input(0);
  const given = node.intsAt(1, "axes");
  const open = x.shape.find((d) => typeof d === "string");
  if (!given && open !== undefined)
    node.fail(`it names no axes, and whether the open dimension "${open}" is 1 is not known; bind it`);
  const axes = given?.map((axis) => normalizeAxis(axis, x.rank, "Squeeze"));
  const gone = (d: Dim, axis: number): boolean => axes?.includes(axis) ?? d === 1;
  const wrong = x.shape.find((d, axis) => gone(d, axis) && d !== 1);
  if (wrong !== undefined) node.fail(`it removes an axis of size ${wrong} from ${formatShape(x.shape)}`);
  return reshape(
    x,
    x.shape.filter((d, axis) => !gone(d, axis)),
  );
}

function unsqueeze(node: OnnxNode): Value {
  const x = node.input(0);
  const axes = node.intsAt(1, "axes") ?? node.fail("its axes are missing");
  const rank = x.rank + axes.length;
  const added = new Set(axes.map((axis) => normalizeAxis(axis, rank, "Unsqueeze")));
  if (added.size < axes.length) node.fail(`its axes ${axes} name one twice`);
  const rest = [...x.shape];
  return reshape(
    x,
    Array.from({ length: rank }, (_, axis): Dim => (added.has(axis) ? 1 : rest.shift()!)),
  );
}

/** Repeats by broadcasting over axes put in for it, so that the gradient is a sum. */
function tile(node: OnnxNode): Value {
  const x = node.input(0);
  const repeats = node.dims(1, "list of repeats");
  if (repeats.length !== x.rank) node.fail(`it has ${repeats.length} repeats for ${formatShape(x.shape)}`);
  const each = (f: (size: Dim, times: Dim) => Dim[]): Dim[] => x.shape.flatMap((d, i) => f(d, repeats[i]!));
  const apart = reshape(
    x,
    each((size, times) => (times === 1 || size === 1 ? [size] : [1, size])),
  );
  const repeated = expand(
    apart,
    each((size, times) => (times === 1 ? [size] : size === 1 ? [times] : [times, size])),
  );
  return reshape(
    repeated,
    each((size, times) => [multiplyDims(size, times)]),
  );
}

function shapeOf(node: OnnxNode): Result {
  const { shape } = node.input(0);
  const part = shape.slice(node.int("start", 0), node.int("end", shape.length));
  return known("int64", [part.length], part);
}

/** Splits, permutes and joins axes: between depth and space. */
const rearrange = (x: Value, apart: Shape, order: readonly number[], to: Shape): Value =>
  reshape(transpose(reshape(x, apart), order), to);

/** Sizes of images [N, C, H, W], and the block size. */
function blocksOf(node: OnnxNode): { sizes: readonly [Dim, Dim, Dim, Dim]; block: number } {
  const { shape } = node.input(0);
  const block = node.int("blocksize");
  if (shape.length !== 4) node.fail(`its input ${formatShape(shape)} is not [N, C, H, W]`);
  if (block < 1) node.fail(`its block size ${block} is not positive`);
  return { sizes: shape as unknown as [Dim, Dim, Dim, Dim], block };
}

function depthToSpace(node: OnnxNode): Value {
  const { sizes, block: b } = blocksOf(node);
  const [n, c, h, w] = sizes;
  const depth = floorDivideDims(c, b * b);
  const columnFirst = node.string("mode", "DCR") === "CRD";
  const apart = columnFirst ? [n, depth, b, b, h, w] : [n, b, b, depth, h, w];
  const order = columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return rearrange(node.input(0), apart, order, [n, depth, multiplyDims(h, b), multiplyDims(w, b)]);
}

function spaceToDepth(node: OnnxNode): Value {
  const { sizes, block: b } = blocksOf(node);
  const [n, c, h, w] = sizes;
  const [rows, columns] = [floorDivideDims(h, b), floorDivideDims(w, b)];
  const to = [n, multiplyDims(c, b * b), rows, columns];
  return rearrange(node.input(0), [n, c, rows, b, columns, b], [0, 3, 5, 1, 2, 4], to);
}

export const shapeRules: Rules = {
  Identity: (node) => node.input(0),
  Shape: shapeOf,
  Size: (node) => known("int64", [], [sizeOf(node.input(0).shape)]),
  Reshape: (node) => reshape(node.input(0), target(node)),
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: (node) => {
    const x = node.input(0);
    return transpose(x, node.ints("perm") ?? x.shape.map((_, i) => i).toReversed());
  },
  Expand: (node) => {
    const x = node.input(0);
    return expand(x, broadcastShapes("Expand", x.shape, node.dims(1, "shape")));
  },
  Tile: tile,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};
