/** @file Along one axis: running sums, and where the largest or smallest element stands. */
import { ShapeError } from "../../tensor/errors.ts";
import { type NdArray, ndarray } from "../../tensor/ndarray.ts";
import { count, type DType, formatSpec, normalizeAxis } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type SampleInput } from "../op.ts";
import { commonType, numeric, signed } from "./elementwise.ts";

const random = (dtype: DType, ...shape: number[]): SampleInput => ({ dtype, shape, high: 4 });

/** Calls `visit` with the flat indices of each line along the axis. */
function forEachLine(
  shape: readonly number[],
  axis: number,
  visit: (at: number[], line: number) => void,
): void {
  const size = shape[axis]!;
  const stride = count(shape.slice(axis + 1));
  const lines = count(shape.toSpliced(axis, 1));
  for (let line = 0; line < lines; line++) {
    const start = Math.floor(line / stride) * stride * size + (line % stride);
    visit(
      Array.from({ length: size }, (_, i) => start + i * stride),
      line,
    );
  }
}

interface CumSumAttributes extends Record<string, unknown> {
  readonly axis: number;
  /** Whether an element is left out of its own sum. */
  readonly exclusive: boolean;
  /** Whether sums run from the end. */
  readonly reverse: boolean;
}

const cumSumOp = defineOp<CumSumAttributes>({
  name: "cumSum",
  shapes: "axis",
  infer: ([x]) => [{ dtype: commonType("cumSum", [x!], signed), shape: x!.shape }],
  gradient: ({ cotangents: [g], attributes: { axis, exclusive, reverse } }) => [
    cumSum(g!, axis, { exclusive, reverse: !reverse }),
  ],
  lower: (e, [x], { axis, exclusive, reverse }) =>
    e.node("CumSum", [x!, e.constant("int64", [], [axis])], {
      attributes: { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 },
    }),
  reference: ([x], { axis, exclusive, reverse }) => {
    const out = ndarray(x!.shape);
    forEachLine(x!.shape, axis, (at) => {
      let total = 0;
      for (const i of reverse ? at.toReversed() : at) {
        out.data[i] = exclusive ? total : total + x!.data[i]!;
        total += x!.data[i]!;
      }
    });
    return [out];
  },
  samples: [
    { inputs: [random("float32", 2, 3)], attributes: { axis: 1, exclusive: false, reverse: false } },
    { inputs: [random("float32", 2, 3, 2)], attributes: { axis: 1, exclusive: true, reverse: false } },
    { inputs: [random("float32", 4, 2)], attributes: { axis: 0, exclusive: false, reverse: true } },
    { inputs: [random("float64", 4)], attributes: { axis: 0, exclusive: true, reverse: true } },
    { inputs: [random("int32", 4)], attributes: { axis: 0, exclusive: false, reverse: false } },
    { inputs: [random("int64", 4)], attributes: { axis: 0, exclusive: false, reverse: false } },
    { inputs: [random("float32", 2, 0)], attributes: { axis: 1, exclusive: false, reverse: false } },
    { inputs: [random("float32", 2, 0)], attributes: { axis: 0, exclusive: true, reverse: false } },
  ],
});

interface ArgAttributes extends Record<string, unknown> {
  readonly axis: number;
  readonly keep: boolean;
  /** Which of several equal elements is meant. */
  readonly ties: "first" | "last";
}

function argument(name: string, onnx: string, better: (a: number, b: number) => boolean) {
  const place = (x: NdArray, at: readonly number[], ties: ArgAttributes["ties"]): number => {
    let best = 0;
    at.forEach((flat, i) => {
      const [value, held] = [x.data[flat]!, x.data[at[best]!]!];
      if (better(value, held) || (ties === "last" && value === held)) best = i;
    });
    return best;
  };
  const values = [1, 3, 3, 2, 0, 0];
  return defineOp<ArgAttributes>({
    name,
    shapes: "axis",
    infer: ([x], { axis, keep }) => {
      commonType(name, [x!], numeric);
      if (x!.shape[axis] === 0)
        throw new ShapeError(
          name,
          `${name}: axis ${axis} of ${formatSpec(x!)} has no elements to choose from`,
        );
      const shape = keep ? x!.shape.with(axis, 1) : x!.shape.toSpliced(axis, 1);
      return [{ dtype: "int64", shape }];
    },
    gradient: "zero",
    lower: (e, inputs, { axis, keep, ties }) =>
      e.node(onnx, inputs, {
        attributes: { axis, keepdims: keep ? 1 : 0, select_last_index: ties === "last" ? 1 : 0 },
      }),
    reference: ([x], { axis, ties }, [shape]) => {
      const out = ndarray(shape!);
      forEachLine(x!.shape, axis, (at, line) => {
        out.data[line] = place(x!, at, ties);
      });
      return [out];
    },
    samples: [
      { inputs: [random("float32", 2, 3, 4)], attributes: { axis: 1, keep: false, ties: "first" } },
      { inputs: [random("float32", 3, 0)], attributes: { axis: 0, keep: true, ties: "first" } },
      ...numeric.flatMap((dtype) =>
        (["first", "last"] as const).map((ties) => ({
          inputs: [{ dtype, shape: [2, 3], values }],
          attributes: { axis: 1, keep: ties === "last", ties },
        })),
      ),
    ],
  });
}
const argMaxOp = argument("argMax", "ArgMax", (a, b) => a > b);
const argMinOp = argument("argMin", "ArgMin", (a, b) => a < b);

export interface CumSumOptions {
  readonly exclusive?: boolean;
  readonly reverse?: boolean;
}
/** Running sums along an axis. */
export const cumSum = (
  x: Value,
  axis: number,
  { exclusive = false, reverse = false }: CumSumOptions = {},
): Value =>
  x.graph.apply(cumSumOp, [x], { axis: normalizeAxis(axis, x.rank, "cumSum"), exclusive, reverse })[0]!;

export interface ArgOptions {
  readonly keep?: boolean;
  readonly ties?: ArgAttributes["ties"];
}
const choose =
  (op: typeof argMaxOp) =>
  (x: Value, axis: number, { keep = false, ties = "first" }: ArgOptions = {}): Value =>
    x.graph.apply(op, [x], { axis: normalizeAxis(axis, x.rank, op.name), keep, ties })[0]!;

/** Where along an axis the largest element stands, int64. */
export const argMax = choose(argMaxOp);
/** Where along an axis the smallest element stands, int64. */
export const argMin = choose(argMinOp);

export const alongAxisOps = [cumSumOp, argMaxOp, argMinOp];
