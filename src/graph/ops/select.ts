/** @file Selection by truth values, and changes of the element type. */
import { ShapeError } from "../../tensor/errors.ts";
import { zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, type DType, isFloat } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Sample, type SampleInput } from "../op.ts";
import { type Operand, pair, scalar } from "./constant.ts";
import { commonType, inKernelType, type None, numeric, onnxTypes } from "./elementwise.ts";

const types: readonly DType[] = [...numeric, "bool"];
const random = (dtype: DType, ...shape: number[]): SampleInput => ({ dtype, shape, high: 9 });

const whereOp = defineOp<None>({
  name: "where",
  shapes: "broadcast",
  infer: ([test, yes, no]) => {
    if (test!.dtype !== "bool")
      throw new ShapeError("dtype", `where: the test has element type ${test!.dtype}, not bool`);
    const dtype = commonType("where", [yes!, no!], types);
    return [{ dtype, shape: broadcastShapes("where", test!.shape, yes!.shape, no!.shape) }];
  },
  gradient: ({ inputs: [test], cotangents: [g], needs }) => {
    const zero = scalar(g!.graph, 0, g!.dtype);
    return [null, needs[1] ? where(test!, g!, zero) : null, needs[2] ? where(test!, zero, g!) : null];
  },
  lower: (e, [test, ...parts], _, node) => {
    const { dtype } = node.inputs[1]!;
    return inKernelType(e, parts, { dtype, kernels: numeric, gives: dtype }, (names) =>
      e.node("Where", [test!, ...names]),
    );
  },
  reference: (inputs) => [zipWith((test, yes, no) => (test ? yes! : no!), ...inputs)],
  samples: [
    { inputs: [random("bool", 2, 3), random("float32", 2, 3), random("float32", 2, 3)] },
    { inputs: [random("bool", 2, 1, 3), random("float32"), random("float32", 4, 1)] },
    { inputs: [random("bool"), random("float32", 3), random("float32", 1, 0, 3)] },
    ...types
      .slice(1)
      .map((dtype): Sample<None> => ({ inputs: [random("bool", 6), random(dtype, 6), random(dtype, 6)] })),
  ],
});

interface CastAttributes extends Record<string, unknown> {
  readonly to: DType;
}

/** Floats lose their fractions, bytes wrap around, and whatever is not 0 is true. */
const castOp = defineOp<CastAttributes>({
  name: "cast",
  shapes: "broadcast",
  infer: ([x], { to }) => [{ dtype: to, shape: x!.shape }],
  gradient: ({ inputs: [x], cotangents: [g], attributes: { to } }) => [
    isFloat(x!.dtype) && isFloat(to) ? cast(g!, x!.dtype) : null,
  ],
  lower: (e, inputs, { to }) => e.node("Cast", inputs, { attributes: { to: onnxTypes[to] } }),
  reference: ([x], { to }) => [to === "bool" ? zipWith((v) => Number(v !== 0), x!) : x!],
  samples: [
    { inputs: [random("float32", 2, 3)], attributes: { to: "float64" } },
    { inputs: [random("float64", 2, 3)], attributes: { to: "float32" } },
    ...types.flatMap((from) =>
      types
        .filter((to) => to !== from && !(isFloat(from) && isFloat(to)))
        .map((to): Sample<CastAttributes> => {
          const values = isFloat(from) ? [1.5, 2.75, 0, 200] : [1, 0, 1, 0];
          return { inputs: [{ dtype: from, shape: [4], values }], attributes: { to } };
        }),
    ),
    { inputs: [{ dtype: "float32", shape: [3], values: [-1.5, -2, -0.25] }], attributes: { to: "int64" } },
    { inputs: [{ dtype: "int32", shape: [3], values: [300, -1, 256] }], attributes: { to: "uint8" } },
  ],
});

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

export const selectOps = [whereOp, castOp];
