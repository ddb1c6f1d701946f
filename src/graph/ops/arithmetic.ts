/** @file Signs, rounding and remainders, elementwise. */
import type { DType } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { applied, binary, numeric, unary } from "./elementwise.ts";
import { div, mul, neg, sub } from "./pointwise.ts";

const listed = (dtype: DType, ...values: number[]) => ({ dtype, shape: [values.length], values });

const absOp = unary("abs", Math.abs, { takes: numeric, gradient: ({ x, g }) => [mul(g, sign(x[0]!))] });
const signOp = unary("sign", Math.sign, { takes: numeric, gradient: "zero" });
const floorOp = unary("floor", Math.floor, { gradient: "zero" });
const ceilOp = unary("ceil", Math.ceil, { gradient: "zero" });
const roundOp = unary("round", halfToEven, {
  gradient: "zero",
  samples: [{ inputs: [listed("float32", 0.5, 1.5, 2.5, -0.5, -1.5, -2.5)], bends: true }],
});

function halfToEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

interface ModAttributes extends Record<string, unknown> {
  /** Whose sign a remainder has; floats support only "dividend". */
  readonly sign: "dividend" | "divisor";
}

const modOp = binary<ModAttributes>(
  "mod",
  (a, b, { sign: of }) => (of === "dividend" ? a % b : a - b * Math.floor(a / b)),
  {
    takes: numeric,
    draw: { positive: true },
    attributes: { sign: "dividend" },
    emit: ({ sign: of }) => ({ fmod: of === "dividend" ? 1 : 0 }),
    // a = q·b + y with a whole q, so that dy = da − q·db.
    gradient: ({ x: [a, b], y, g, needs }) => [g, needs[1] ? neg(mul(g, div(sub(a!, y), b!))) : null],
    samples: (["dividend", "divisor"] as const).flatMap((of) =>
      (["int32", "int64"] as const).map((dtype) => ({
        inputs: [listed(dtype, 7, -7, 7, -7, 6), listed(dtype, 2, 2, -2, -2, 3)],
        attributes: { sign: of },
      })),
    ),
  },
);

export const abs = applied(absOp);
export const sign = applied(signOp);
export const floor = applied(floorOp);
export const ceil = applied(ceilOp);
/** To the nearest whole number; halves go to the even one. */
export const round = applied(roundOp);
/** The remainder of a/b, with the sign of the dividend or (integers only) of the divisor. */
export const mod = (a: Value, b: Value, of: ModAttributes["sign"] = "dividend"): Value =>
  a.graph.apply(modOp, [a, b], { sign: of })[0]!;

export const arithmeticOps = [absOp, signOp, floorOp, ceilOp, roundOp, modOp];
