/** @file Slices picked or replaced by tuples of indices: the last axis of the indices holds one index for each of some axes. */
import { maxDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray, stridesOf, unravel } from "../../tensor/ndarray.ts";
import { count, type Dim, formatSpec, type Shape, sizeOf, type TensorSpec } from "../../tensor/spec.ts";
import type { Node, Value } from "../graph.ts";
import { defineOp, type Emitter, sameDims } from "../op.ts";
import { fill } from "./constant.ts";
import { checkIndices, place } from "./gather.ts";
import { type Reduction, reductions, refuseGradient } from "./gather-elements.ts";
import { concat } from "./join.ts";
import { range } from "./range.ts";
import { expand, reshape } from "./shape.ts";

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const i = (shape: number[], high: number) => ({ dtype: "int32" as const, shape, high });
const at = (shape: number[], ...values: number[]) => ({ dtype: "int64" as const, shape, values });

/** How many axes a tuple of indices names. @throws ShapeError */
function depthOf(where: string, x: TensorSpec, indices: TensorSpec, batch: number): number {
  checkIndices(where, indices);
  const depth = indices.shape.at(-1);
  const inside = Number.isInteger(batch) && batch >= 0 && batch < indices.shape.length;
  const fits = inside && typeof depth === "number" && depth > 0 && batch + depth <= x.shape.length;
  if (!fits || !sameDims(x.shape.slice(0, batch), indices.shape.slice(0, batch)))
    throw new ShapeError(where, `${where}: indices ${formatSpec(indices)} do not fit ${formatSpec(x)}`);
  return depth;
}

/** Flat number of the slice [rest…] that each tuple names, for data [batch…, named…, rest…]. */
function slicesOf(x: NdArray, indices: NdArray, batch: number): number[] {
  const depth = indices.shape.at(-1)!;
  const named = x.shape.slice(0, batch + depth);
  const strides = stridesOf(named);
  const tuples = indices.shape.slice(0, -1);
  return Array.from({ length: count(tuples) }, (_, k) => {
    const index = unravel(k, tuples).slice(0, batch);
    for (let c = 0; c < depth; c++) index.push(place(indices.data[k * depth + c]!, named[batch + c]!));
    return index.reduce((flat, v, axis) => flat + v * strides[axis]!, 0);
  });
}

/** ONNX has these operators for int64 indices only. */
const as64 = (e: Emitter, name: string, { dtype }: Value): string =>
  dtype === "int64" ? name : e.node("Cast", [name], { attributes: { to: 7 } })[0]!;

interface GatherAttributes extends Record<string, unknown> {
  readonly batch: number;
}

const gatherNdOp = defineOp<GatherAttributes>({
  name: "gatherNd",
  infer: ([x, indices], { batch }) => {
    const depth = depthOf("gatherNd", x!, indices!, batch);
    const shape = [...indices!.shape.slice(0, -1), ...x!.shape.slice(batch + depth)];
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ inputs: [x, indices], cotangents: [g], attributes: { batch } }) => [
    scatterNd(fill(g!.graph, x!.shape, 0, g!.dtype), withBatch(indices!, batch), g!, "add"),
    null,
  ],
  lower: (e, [x, indices], { batch }, node) =>
    e.node("GatherND", [x!, as64(e, indices!, node.inputs[1]!)], { attributes: { batch_dims: batch } }),
  reference: ([x, indices], { batch }, [shape]) => {
    const width = count(x!.shape.slice(batch + indices!.shape.at(-1)!));
    const slices = slicesOf(x!, indices!, batch);
    return [ndarray(shape!, (k) => x!.data[slices[Math.floor(k / width)]! * width + (k % width)]!)];
  },
  samples: [
    { inputs: [f(4, 3), i([5, 2], 3)], attributes: { batch: 0 } },
    { inputs: [f(4, 3, 2), at([2, 2, 1], -1, 0, 1, -1)], attributes: { batch: 0 } },
    { inputs: [f(2, 3, 4), i([2, 6, 1], 3)], attributes: { batch: 1 } },
    { inputs: [f(2, 2, 3), i([2, 2, 1], 3)], attributes: { batch: 2 } },
  ],
});

/** Indices [batch…, I…, depth] with the places on the batch axes put before them: [batch…, I…, batch + depth]. */
function withBatch(indices: Value, batch: number): Value {
  const one = [...indices.shape.slice(0, -1), 1];
  const places = one.slice(0, batch).map((size, axis) => {
    const line = reshape(
      range(indices.graph, size, indices.dtype),
      one.map((_, a) => (a === axis ? size : 1)),
    );
    return expand(line, one);
  });
  return places.length === 0 ? indices : concat([...places, indices], -1);
}

interface ScatterAttributes extends Record<string, unknown> {
  readonly reduction: Reduction;
}

const scatterNdOp = defineOp<ScatterAttributes>({
  name: "scatterNd",
  infer: ([x, indices, updates]) => {
    const depth = depthOf("scatterNd", x!, indices!, 0);
    const slices = [...indices!.shape.slice(0, -1), ...x!.shape.slice(depth)];
    if (x!.dtype !== updates!.dtype || !sameDims(updates!.shape, slices)) {
      const shown = [x!, indices!, updates!].map(formatSpec).join(", ");
      throw new ShapeError("scatterNd", `scatterNd: data, indices and updates do not fit: ${shown}`);
    }
    return [x!];
  },
  gradient: ({ inputs: [, indices, updates], cotangents: [g], attributes: { reduction }, needs }) => {
    refuseGradient("scatterNd", reduction);
    const picked = needs[2] ? gatherNd(g!, indices!) : null;
    if (reduction === "add") return [g!, null, picked];
    const zeros = fill(g!.graph, updates!.shape, 0, g!.dtype);
    return [needs[0] ? scatterNd(g!, indices!, zeros) : null, null, picked];
  },
  lower: (e, [x, indices, updates], { reduction }, node) => {
    const wide = as64(e, indices!, node.inputs[1]!);
    return reduction === "none"
      ? e.node("ScatterND", [x!, wide, updates!])
      : reduceRows(e, [x!, wide, updates!], reduction, node);
  },
  reference: ([x, indices, updates], { reduction }) => {
    const data = x!.data.slice();
    const width = count(x!.shape.slice(indices!.shape.at(-1)!));
    const slices = slicesOf(x!, indices!, 0);
    updates!.data.forEach((v, k) => {
      const p = slices[Math.floor(k / width)]! * width + (k % width);
      data[p] = reductions[reduction](data[p]!, v);
    });
    return [{ data, shape: x!.shape }];
  },
  samples: [
    { inputs: [f(4, 3), at([2, 2], 0, -1, 3, 1), f(2)], attributes: { reduction: "none" } },
    { inputs: [f(4, 3), at([2, 1], -2, 0), f(2, 3)], attributes: { reduction: "none" } },
    { inputs: [f(3, 2, 2), i([7, 2], 2), f(7, 2)], attributes: { reduction: "add" } },
    { inputs: [f(5), at([3, 2, 1], -1, 4, 0, -5, 4, 1), f(3, 2)], attributes: { reduction: "add" } },
    { inputs: [f(0, 2), { ...i([0, 1], 1), dtype: "int64" }, f(0, 2)], attributes: { reduction: "add" } },
    ...(["mul", "min", "max"] as const).map((reduction) => ({
      inputs: [i([3, 2], 9), i([6, 1], 3), i([6, 2], 9)], // integers: these have no gradient rule
      attributes: { reduction },
    })),
  ],
});

/**
 * ScatterND with a reduction loses updates to repeated slices when it runs on several threads; ScatterElements does not.
 * So the named axes become one, whose rows are numbered.
 */
function reduceRows(
  e: Emitter,
  [x, indices, updates]: readonly [string, string, string],
  reduction: Reduction,
  node: Node,
): string[] {
  const { shape } = node.inputs[0]!;
  const tuples = node.inputs[1]!.shape;
  const depth = tuples.at(-1) as number;
  const rest = sizeOf(shape.slice(depth));
  const rows = sizeOf(tuples.slice(0, -1));
  const flat = (name: string, to: Shape): string => e.node("Reshape", [name, e.dims(to)], allowZero)[0]!;
  const named = shape.slice(0, depth);
  const sizes = e.dims(named.map((size) => maxDims(size, 1))); // an axis without elements is no divisor
  const positive = e.node("Mod", [indices, sizes])[0]!;
  const strides = named.map((_, axis): Dim => sizeOf(named.slice(axis + 1)));
  const products = depth === 1 ? positive : e.node("Mul", [positive, e.dims(strides)])[0]!;
  const numbers = e.node("ReduceSum", [products, e.constant("int64", [1], [tuples.length - 1])])[0]!;
  const column = flat(numbers, [rows, 1]);
  const wide = rest === 1 ? column : e.node("Expand", [column, e.dims([rows, rest])])[0]!;
  const sources = [flat(x, [sizeOf(named), rest]), wide, flat(updates, [rows, rest])];
  const scattered = e.node("ScatterElements", sources, { attributes: { axis: 0, reduction } })[0]!;
  return [flat(scattered, shape)];
}
const allowZero = { attributes: { allowzero: 1 } };

/** Slices named by tuples: [batch…, D…, rest…] and [batch…, I…, depth] → [batch…, I…, rest…]. */
export const gatherNd = (x: Value, indices: Value, batch = 0): Value =>
  x.graph.apply(gatherNdOp, [x, indices], { batch })[0]!;

/** x with updates [I…, rest…] at the slices that tuples [I…, depth] name. */
export const scatterNd = (x: Value, indices: Value, updates: Value, reduction: Reduction = "none"): Value =>
  x.graph.apply(scatterNdOp, [x, indices, updates], { reduction })[0]!;

export const gatherNdOps = [gatherNdOp, scatterNdOp];
