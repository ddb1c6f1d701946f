/** @file Comparisons and logic. Booleans carry no gradient. */
import type { DType } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import type { Sample } from "../op.ts";
import type { Operand } from "./constant.ts";
import { applied, binary, type None, numeric, pairwise, unary } from "./elementwise.ts";

const listed = (...values: number[]) => ({ dtype: "float32" as DType, shape: [values.length], values });
const samples: Sample<None>[] = [{ inputs: [listed(1, 2, 3, 4, 5, 6), listed(1, 5, 3, 0, 7, 6)] }];
const gives = "bool";
const gradient = "zero";

const equalOp = binary("equal", (x, y) => Number(x === y), {
  takes: [...numeric, "bool"],
  gives,
  gradient,
  samples,
});
const greaterOp = binary("greater", (x, y) => Number(x > y), { takes: numeric, gives, gradient, samples });
const greaterOrEqualOp = binary("greaterOrEqual", (x, y) => Number(x >= y), {
  takes: numeric,
  gives,
  gradient,
  samples,
});

const logic = { takes: ["bool"], gradient } as const;
const andOp = binary("and", (x, y) => x && y, logic);
const orOp = binary("or", (x, y) => x || y, logic);
const xorOp = binary("xor", (x, y) => Number(x !== y), logic);
const notOp = unary("not", (x) => 1 - x, logic);

const special = [{ inputs: [listed(1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)] }];
const isNaNOp = unary("isNaN", (x) => Number(Number.isNaN(x)), {
  onnx: "IsNaN",
  gives,
  gradient,
  samples: special,
});

interface InfinityAttributes extends Record<string, unknown> {
  /** Which infinities are found. */
  readonly signs: "both" | "positive" | "negative";
}
const isInfOp = unary<InfinityAttributes>(
  "isInf",
  (x, { signs }) =>
    Number(
      (signs !== "negative" && x === Number.POSITIVE_INFINITY) ||
        (signs !== "positive" && x === Number.NEGATIVE_INFINITY),
    ),
  {
    onnx: "IsInf",
    gives,
    gradient,
    attributes: { signs: "both" },
    emit: ({ signs }) => ({
      detect_positive: signs === "negative" ? 0 : 1,
      detect_negative: signs === "positive" ? 0 : 1,
    }),
    samples: (["both", "positive", "negative"] as const).map((signs) => ({
      ...special[0]!,
      attributes: { signs },
    })),
  },
);

export const equal = pairwise(equalOp);
export const greater = pairwise(greaterOp);
export const greaterOrEqual = pairwise(greaterOrEqualOp);
export const less = (a: Operand, b: Operand): Value => greater(b, a);
export const lessOrEqual = (a: Operand, b: Operand): Value => greaterOrEqual(b, a);
export const and = pairwise(andOp);
export const or = pairwise(orOp);
export const xor = pairwise(xorOp);
export const not = applied(notOp);
export const isNotNumber = applied(isNaNOp);
export const isInf = (x: Value, signs: InfinityAttributes["signs"] = "both"): Value =>
  x.graph.apply(isInfOp, [x], { signs })[0]!;

export const compareOps = [equalOp, greaterOp, greaterOrEqualOp, andOp, orOp, xorOp, notOp, isNaNOp, isInfOp];
