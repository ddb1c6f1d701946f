/** @file Powers, with an exponent that is known while tracing or one that is a value. */
import { zipWith } from "../../tensor/ndarray.ts";
import { broadcastShapes, type DType, isFloat } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type SampleInput } from "../op.ts";
import { and, equal, greaterOrEqual } from "./compare.ts";
import { type Operand, pair } from "./constant.ts";
import { commonType, type None, numeric, onnxTypes, type Slope, signed, unary } from "./elementwise.ts";
import { log, mul, sub } from "./pointwise.ts";
import { cast, where } from "./select.ts";

interface PowerAttributes extends Record<string, unknown> {
  readonly exponent: number;
}

const powerOp = defineOp<PowerAttributes>({
  ...unary<PowerAttributes>("power", (x, { exponent }) => x ** exponent, {
    takes: signed,
    attributes: { exponent: 3 },
    gradient: ({ x: [x], g, a: { exponent } }) => [
      exponent === 0 ? null : mul(g, mul(pow(x!, exponent - 1), exponent)),
    ],
    samples: [2, 0.5, -1.5, 0].map((exponent) => ({
      inputs: [{ dtype: "float32", shape: [2, 3], positive: true }],
      attributes: { exponent },
    })),
  }),
  lower: (e, [x], { exponent }, node) => {
    const { dtype } = node.inputs[0]!;
    const type = isFloat(dtype) || Number.isInteger(exponent) ? dtype : "float32";
    return e.node("Pow", [x!, e.constant(type, [], [exponent])]);
  },
});

const random = (...shape: number[]): SampleInput => ({ dtype: "float32", shape });
const positive = (...shape: number[]): SampleInput => ({ ...random(...shape), positive: true });
const listed = (dtype: DType, ...values: number[]): SampleInput => ({
  dtype,
  shape: [values.length],
  values,
});

const powOp = defineOp<None>({
  name: "pow",
  shapes: "broadcast",
  infer: ([base, exponent]) => {
    commonType("pow", [exponent!], numeric);
    const dtype = commonType("pow", [base!], signed);
    return [{ dtype, shape: broadcastShapes("pow", base!.shape, exponent!.shape) }];
  },
  gradient: ({ inputs: x, outputs: [y], cotangents: [g], attributes: a, needs }) =>
    powGradient({ x, y: y!, g: g!, a, needs }),
  lower: (e, [base, exponent], _, node) => {
    const short = node.inputs[1]!.dtype === "uint8"; // has no kernel
    const wider = (): string => e.node("Cast", [exponent!], { attributes: { to: onnxTypes.int32 } })[0]!;
    return e.node("Pow", [base!, short ? wider() : exponent!]);
  },
  reference: (inputs) => [zipWith((a, b) => a! ** b!, ...inputs)],
  samples: [
    { inputs: [positive(2, 3), random(2, 3)] },
    { inputs: [positive(2, 1, 3), random(4, 1)] },
    { inputs: [positive(1, 0), random()] },
    { inputs: [listed("float32", 0, 2, -3, 1.5), listed("int32", 3, 0, 2, -1)] },
    { inputs: [listed("float32", 1.5, 2, -3), listed("uint8", 3, 0, 2)] },
    { inputs: [listed("int32", 3, 7, -2), listed("int32", 2, -2, 3)] },
    { inputs: [listed("int64", 5, 8), listed("float32", 0.5, 1.5)] },
    { inputs: [listed("float64", 5, 8), listed("float32", 0.5, 1.5)] },
  ],
});

/** b·aᵇ⁻¹ is 0 where b is 0, and aᵇ·log(a) is 0 where a is 0 and b is not negative, as in PyTorch. */
function powGradient({ x: [a, b], y, g, needs }: Slope<None>): (Value | null)[] {
  const exponent = cast(b!, a!.dtype);
  const less = (): Value => where(equal(exponent, 0), 1, sub(exponent, 1));
  const still = (): Value => and(equal(a!, 0), greaterOrEqual(exponent, 0));
  return [
    needs[0] ? mul(g, mul(exponent, pow(a!, less()))) : null,
    needs[1] ? cast(mul(g, where(still(), 0, mul(y, log(a!)))), b!.dtype) : null,
  ];
}

/** xᵉ; a value as the exponent may have another element type, the result has that of the base. */
export function pow(x: Operand, exponent: Operand): Value {
  if (exponent === 1) return x as Value;
  if (typeof exponent === "number") return (x as Value).graph.apply(powerOp, [x as Value], { exponent })[0]!;
  const base = typeof x === "number" ? pair(x, exponent)[0] : x;
  return exponent.graph.apply(powOp, [base, exponent], {})[0]!;
}

export const powerOps = [powerOp, powOp];
