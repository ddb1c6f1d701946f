/** @file Order of execution where values alone do not fix it. */
import { ShapeError } from "../../tensor/errors.ts";
import { formatSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Emitter } from "../op.ts";

type None = Record<string, never>;
const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });

/** The number 1 (float32 scalar), which ONNX Runtime knows only once the given float values are there. */
export function oneAfter(e: Emitter, ...values: readonly string[]): string {
  const first = (x: string): string => {
    const flat = e.node("Reshape", [x, e.constant("int64", [1], [-1])])[0]!;
    return e.node("Gather", [flat, e.constant("int64", [], [0])], { attributes: { axis: 0 } })[0]!;
  };
  const seen = values.map(first).reduce((a, b) => e.node("Add", [a, b])[0]!);
  // Whatever is seen, NaN included, the result is 1; a product with 0 would let NaN through.
  const one = e.constant("float32", [], [1]);
  return e.node("Where", [e.node("Equal", [seen, seen])[0]!, one, one])[0]!;
}

/** x, but not before all that follow it are computed; nothing flows back to them. */
const barrierOp = defineOp<None>({
  name: "barrier",
  infer: (inputs) => {
    if (inputs.some(({ dtype }) => dtype !== "float32")) {
      const shown = inputs.map(formatSpec).join(", ");
      throw new ShapeError("barrier", `barrier: the values must all be float32: ${shown}`);
    }
    return [inputs[0]!];
  },
  gradient: ({ cotangents: [g], inputs }) => inputs.map((_, i) => (i === 0 ? g! : null)),
  lower: (e, [x, ...after]) => e.node("Mul", [x!, oneAfter(e, ...after)]),
  reference: ([x]) => [x!],
  samples: [{ inputs: [f(2, 3), f(4)] }, { inputs: [f(), f(2, 2), f(3)] }],
});

/**
 * x [D…] unchanged, but computed only when all of `after` are: a graph fixes what depends on what, and ONNX Runtime
 * chooses the order within that.
 */
export const barrier = (x: Value, ...after: readonly Value[]): Value =>
  after.length === 0 ? x : x.graph.apply(barrierOp, [x, ...after], {})[0]!;

export const barrierOps = [barrierOp];
