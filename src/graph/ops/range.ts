/** @file Tensors made of their own indices: counting, one-hot rows and triangles. */
import { addDims, multiplyDims } from "../../tensor/dims.ts";
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray, unravel } from "../../tensor/ndarray.ts";
import { type Dim, type DType, formatSpec, normalizeAxis } from "../../tensor/spec.ts";
import type { Graph, Value } from "../graph.ts";
import { defineOp, type Emitter } from "../op.ts";
import { constant } from "./constant.ts";
import { checkIndices } from "./gather.ts";
import { cast } from "./select.ts";
import { reshape } from "./shape.ts";

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
const at = (shape: number[], ...values: number[]) => ({ dtype: "int64" as const, shape, values });

interface RangeAttributes extends Record<string, unknown> {
  readonly start: Dim;
  readonly length: Dim;
  readonly step: number;
}

const rangeOp = defineOp<RangeAttributes>({
  name: "range",
  dims: ["start", "length"],
  infer: (_, { length }) => [{ dtype: "int64", shape: [length] }],
  gradient: "zero",
  lower: (e, _, { start, length, step }) => {
    const scalar = (d: Dim): string => e.node("Reshape", [e.dims([d]), e.constant("int64", [0], [])])[0]!;
    const end = addDims(start, multiplyDims(length, step));
    return e.node("Range", [scalar(start), scalar(end), e.constant("int64", [], [step])]);
  },
  reference: (_, { start, step }, [shape]) => [ndarray(shape!, (k) => (start as number) + k * step)],
  samples: [
    { inputs: [], attributes: { start: 0, length: 4, step: 1 } },
    { inputs: [], attributes: { start: 7, length: 3, step: -3 } },
    { inputs: [], attributes: { start: 2, length: 0, step: 1 } },
  ],
});

interface CountOptions {
  readonly start?: Dim;
  readonly step?: number;
}

/** Longer ranges are counted by the graph, so that the file does not list them. */
const longestConstant = 65536;

/** start, start + step, … [n]; 0, 1, …, n−1 by default. */
export function range(
  graph: Graph,
  n: Dim,
  dtype: DType = "int32",
  { start = 0, step = 1 }: CountOptions = {},
): Value {
  if (typeof n === "string" || typeof start === "string" || n > longestConstant)
    return cast(graph.apply(rangeOp, [], { start, length: n, step })[0]!, dtype);
  const values = Array.from({ length: n }, (_, k) => start + k * step);
  return constant(graph, dtype, [n], values);
}

interface OneHotAttributes extends Record<string, unknown> {
  readonly classes: Dim;
  readonly axis: number;
}

const oneHotOp = defineOp<OneHotAttributes>({
  name: "oneHot",
  dims: ["classes"],
  infer: ([indices], { classes, axis }) => {
    checkIndices("oneHot", indices!);
    return [{ dtype: "float32", shape: indices!.shape.toSpliced(axis, 0, classes) }];
  },
  gradient: "zero",
  lower: (e, [indices], { classes, axis }, node) => {
    // ONNX Runtime has OneHot to float32 for int64 indices only.
    const wide = node.inputs[0]!.dtype === "int64" ? indices! : castTo(e, indices!, 7);
    return e.node("OneHot", [wide, e.dims([classes]), e.constant("float32", [2], [0, 1])], {
      attributes: { axis },
    });
  },
  reference: ([indices], { classes, axis }, [shape]) => {
    const size = classes as number;
    const inner = shape!.slice(axis + 1).reduce((p, d) => p * d, 1);
    return [
      ndarray(shape!, (flat) => {
        const index = indices!.data[Math.floor(flat / (inner * size)) * inner + (flat % inner)]!;
        return Number((index < 0 ? index + size : index) === Math.floor(flat / inner) % size);
      }),
    ];
  },
  samples: [
    { inputs: [{ dtype: "int32", shape: [3], high: 4 }], attributes: { classes: 4, axis: 1 } },
    { inputs: [at([2, 3], 0, -1, 5, -3, 2, -4)], attributes: { classes: 3, axis: 1 } }, // 5 and −4 are no class
  ],
});

const castTo = (e: Emitter, name: string, to: number): string =>
  e.node("Cast", [name], { attributes: { to } })[0]!;

/** 1 at the class that each index names, else 0, along a new axis; negative indices count from the last class. */
export function oneHot(indices: Value, classes: Dim, axis = -1): Value {
  const at = normalizeAxis(axis, indices.rank + 1, "oneHot");
  if (indices.rank === 0) return reshape(oneHot(reshape(indices, [1]), classes, 0), [classes]); // ONNX has none
  return indices.graph.apply(oneHotOp, [indices], { classes, axis: at })[0]!;
}

interface TriangleAttributes extends Record<string, unknown> {
  readonly upper: boolean;
  readonly k: number;
}

const triangleOp = defineOp<TriangleAttributes>({
  name: "triangle",
  infer: ([x]) => {
    if (x!.shape.length < 2) throw new ShapeError("triangle", `triangle: ${formatSpec(x!)} is no matrix`);
    return [x!];
  },
  gradient: ({ cotangents: [g], attributes }) => [triangle(g!, attributes)],
  lower: (e, [x], { upper, k }, node) => {
    const attributes = { upper: upper ? 1 : 0 };
    const offset = e.constant("int64", [], [k]);
    if (node.inputs[0]!.dtype !== "uint8") return e.node("Trilu", [x!, offset], { attributes });
    const part = e.node("Trilu", [castTo(e, x!, 6), offset], { attributes })[0]!; // none for uint8
    return [castTo(e, part, 2)];
  },
  reference: ([x], { upper, k }, [shape]) => [
    ndarray(shape!, (flat) => {
      const [row, column] = unravel(flat, shape!).slice(-2) as [number, number];
      return (upper ? column - row >= k : column - row <= k) ? x!.data[flat]! : 0;
    }),
  ],
  samples: [
    { inputs: [f(4, 4)], attributes: { upper: false, k: 0 } },
    { inputs: [f(2, 3, 5)], attributes: { upper: true, k: -1 } },
    { inputs: [f(3, 4)], attributes: { upper: true, k: 2 } },
    { inputs: [{ dtype: "uint8", shape: [3, 3], high: 200 }], attributes: { upper: false, k: 1 } },
    { inputs: [f(0, 3)], attributes: { upper: true, k: 0 } },
  ],
});

/** The upper (or lower) triangle of the last two axes from the k-th diagonal on, else 0. */
export const triangle = (
  x: Value,
  { upper, k = 0 }: { readonly upper: boolean; readonly k?: number },
): Value => x.graph.apply(triangleOp, [x], { upper, k })[0]!;

export const rangeOps = [rangeOp, oneHotOp, triangleOp];
