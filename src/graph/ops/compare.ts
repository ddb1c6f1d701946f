/** @file Comparisons, logic, selection, casts and the rectifier that is built on them. Booleans carry no gradient. */
import { zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, type DType, isFloat } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type OpDef, type Sample } from "../op.ts";
import { type Operand, pair, scalar } from "./constant.ts";
import { mul } from "./pointwise.ts";

type None = Record<string, never>;
const f = (shape: number[], values?: number[]) => ({
  dtype: "float32" as DType,
  shape,
  ...(values ? { values } : {}),
});
const i = (shape: number[], high: number) => ({ dtype: "int32" as DType, shape, high });
const b = (...shape: number[]) => ({ dtype: "bool" as DType, shape });

const comparisonSamples: Sample<None>[] = [
  { inputs: [i([3, 4], 3), i([4], 3)] }, // small range, so that equal values occur
  { inputs: [f([2, 3], [1, 2, 3, 4, 5, 6]), f([2, 3], [1, 5, 3, 0, 7, 6])] },
  { inputs: [f([2, 1]), f([1, 3])] },
];

function comparison(
  name: string,
  onnx: string,
  test: (a: number, b: number) => boolean,
  samples = comparisonSamples,
) {
  return defineOp<None>({
    name,
    infer: (inputs) => [{ dtype: "bool", shape: broadcastShapes(name, ...inputs.map((s) => s.shape)) }],
    gradient: "zero",
    lower: (e, inputs) => e.node(onnx, inputs),
    reference: (inputs) => [zipWith((x, y) => Number(test(x!, y!)), ...inputs)],
    samples,
  });
}

const equalOp = comparison("equal", "Equal", (x, y) => x === y);
const greaterOp = comparison("greater", "Greater", (x, y) => x > y);
const greaterOrEqualOp = comparison("greaterOrEqual", "GreaterOrEqual", (x, y) => x >= y);
const andOp = comparison("and", "And", (x, y) => x > 0 && y > 0, [
  { inputs: [b(3, 4), b(3, 4)] },
  { inputs: [b(3, 1), b(4)] },
]);

const whereOp = defineOp<None>({
  name: "where",
  infer: ([test, yes, no]) => [
    { dtype: yes!.dtype, shape: broadcastShapes("where", test!.shape, yes!.shape, no!.shape) },
  ],
  gradient: ({ inputs: [test], cotangents: [g] }) => {
    const zero = scalar(g!.graph, 0, g!.dtype);
    return [null, where(test!, g!, zero), where(test!, zero, g!)];
  },
  lower: (e, inputs) => e.node("Where", inputs),
  reference: (inputs) => [zipWith((test, yes, no) => (test ? yes! : no!), ...inputs)],
  samples: [{ inputs: [b(2, 3), f([2, 3]), f([2, 3])] }, { inputs: [b(2, 1, 3), f([]), f([4, 1])] }],
});

interface CastAttributes extends Record<string, unknown> {
  readonly to: DType;
}
const onnxTypes: Record<DType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 };

const castOp = defineOp<CastAttributes>({
  name: "cast",
  infer: ([x], { to }) => [{ dtype: to, shape: x!.shape }],
  gradient: ({ inputs: [x], cotangents: [g], attributes: { to } }) => [
    isFloat(x!.dtype) && isFloat(to) ? cast(g!, x!.dtype) : null,
  ],
  lower: (e, inputs, { to }) => e.node("Cast", inputs, { attributes: { to: onnxTypes[to] } }),
  reference: ([x], { to }) => [
    zipWith((v) => (to === "bool" ? Number(v !== 0) : isFloat(to) ? v! : Math.trunc(v!)), x!),
  ],
  samples: [
    { inputs: [b(2, 3)], attributes: { to: "float32" } },
    { inputs: [i([5], 9)], attributes: { to: "float32" } },
    { inputs: [f([4], [1.5, -2.5, 0, 3])], attributes: { to: "int64" } },
    { inputs: [i([4], 2)], attributes: { to: "bool" } },
  ],
});

const reluOp = defineOp<None>({
  name: "relu",
  infer: ([x]) => [x!],
  gradient: ({ inputs: [x], cotangents: [g] }) => [mul(g!, cast(greater(x!, 0), x!.dtype))],
  lower: (e, inputs) => e.node("Relu", inputs),
  reference: ([x]) => [zipWith((v) => Math.max(v!, 0), x!)],
  samples: [{ inputs: [f([2, 3], [1, -2, 0.5, -0.25, 3, -4])] }, { inputs: [f([7])] }],
});

const pairwise =
  (op: OpDef<None>) =>
  (x: Operand, y: Operand): Value => {
    const [left, right] = pair(x, y);
    return left.graph.apply(op, [left, right], {})[0]!;
  };

export const equal = pairwise(equalOp);
export const greater = pairwise(greaterOp);
export const greaterOrEqual = pairwise(greaterOrEqualOp);
export const and = pairwise(andOp);
/** Elements of `yes` where `test` holds, of `no` elsewhere. */
export function where(test: Value, yes: Operand, no: Operand): Value {
  const [y, n] =
    typeof yes === "number" && typeof no === "number"
      ? [scalar(test.graph, yes), scalar(test.graph, no)]
      : pair(yes, no);
  return test.graph.apply(whereOp, [test, y, n], {})[0]!;
}
export const cast = (x: Value, to: DType): Value =>
  x.dtype === to ? x : x.graph.apply(castOp, [x], { to })[0]!;
export const relu = (x: Value): Value => x.graph.apply(reluOp, [x], {})[0]!;

export const compareOps = [equalOp, greaterOp, greaterOrEqualOp, andOp, whereOp, castOp, reluOp];
