/** @file Constants: values known while tracing. */
import { count, type DType, type Shape } from "../../tensor/spec.ts";
import type { Graph, Value } from "../graph.ts";
import { defineOp } from "../op.ts";

interface ConstantAttributes extends Record<string, unknown> {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

const constantOp = defineOp<ConstantAttributes>({
  name: "constant",
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  gradient: "zero",
  lower: (e, _, { dtype, shape, values }) => [e.constant(dtype, shape, values)],
  reference: (_, { shape, values }) => [{ data: Float64Array.from(values), shape }],
  samples: [
    { inputs: [], attributes: { dtype: "float32", shape: [2, 2], values: [1, -2.5, 0, 4] } },
    { inputs: [], attributes: { dtype: "int32", shape: [], values: [7] } },
    { inputs: [], attributes: { dtype: "bool", shape: [3], values: [1, 0, 1] } },
  ],
});

/** A tensor known while tracing; meant for small ones (masks, ranges). */
export function constant(
  graph: Graph,
  dtype: DType,
  shape: readonly number[],
  values: ArrayLike<number>,
): Value {
  return graph.apply(constantOp, [], { dtype, shape: [...shape], values: Array.from(values) })[0]!;
}

export const scalar = (graph: Graph, value: number, dtype: DType = "float32"): Value =>
  constant(graph, dtype, [], [value]);

/** A value, or a number that takes the other operand's type. */
export type Operand = Value | number;

/** Turns a number beside a value into a scalar constant. */
export function pair(a: Operand, b: Operand): [Value, Value] {
  if (typeof a === "number" && typeof b === "number")
    throw new TypeError("at least one operand must be a graph value");
  if (typeof a === "number") return [scalar((b as Value).graph, a, (b as Value).dtype), b as Value];
  return [a, typeof b === "number" ? scalar(a.graph, b, a.dtype) : b];
}

interface FillAttributes extends Record<string, unknown> {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly value: number;
}

const fillOp = defineOp<FillAttributes>({
  name: "fill",
  dims: ["shape"],
  infer: (_, { dtype, shape }) => [{ dtype, shape }],
  gradient: "zero",
  lower: (e, _, { dtype, shape, value }, node) => {
    const bound = e.shape(node.outputs[0]!);
    if (bound.includes(0) && bound.every((d) => typeof d === "number")) return [e.constant(dtype, bound, [])];
    const one = e.constant(
      dtype,
      shape.map(() => 1),
      [value],
    );
    return e.node("Expand", [one, e.dims(shape)]);
  },
  reference: (_, { value }, [shape]) => [
    { data: new Float64Array(count(shape!)).fill(value), shape: shape! },
  ],
  samples: [
    { inputs: [], attributes: { dtype: "float32", shape: [2, 3], value: 0 }, expected: [2, 3] },
    { inputs: [], attributes: { dtype: "float32", shape: [4], value: -1.5 }, expected: [4] },
    { inputs: [], attributes: { dtype: "int64", shape: [2], value: 3 }, expected: [2] },
    { inputs: [], attributes: { dtype: "float32", shape: [2, 0], value: 3 }, expected: [2, 0] },
  ],
});

/** A tensor of one value; takes no room in the file. */
export const fill = (graph: Graph, shape: Shape, value: number, dtype: DType = "float32"): Value =>
  graph.apply(fillOp, [], { dtype, shape: [...shape], value })[0]!;

export const constantOps = [constantOp, fillOp];
