/** @file Rows of length one, as cosine scores need them. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { mul, sub } from "./pointwise.ts";
import { sum } from "./reduce.ts";

interface UnitRowsAttributes extends Record<string, unknown> {
  readonly epsilon: number;
}

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });

/** Outputs: y = x·s, and the factor s = 1/√(‖x‖² + ε) of each row, which the gradient reuses. */
const normalizeRowsOp = defineOp<UnitRowsAttributes>({
  name: "normalizeRows",
  infer: ([x]) => [x!, { dtype: x!.dtype, shape: x!.shape.with(-1, 1) }],
  // dx = s·(g − y·⟨g, y⟩)
  gradient: ({ outputs: [y, factor], cotangents: [g, other] }) => {
    if (other !== null)
      throw new ShapeError("normalizeRows", "normalizeRows: its saved factors have no gradient");
    const along = sum(mul(g!, y!), [-1], { keep: true });
    return [mul(sub(g!, mul(y!, along)), factor!)];
  },
  lower: (e, [x], { epsilon }, node) => {
    const axis = e.constant("int64", [1], [-1]);
    const squares = e.node("ReduceSumSquare", [x!, axis], { attributes: { keepdims: 1 } })[0]!;
    const shifted = e.node("Add", [squares, e.constant(node.inputs[0]!.dtype, [], [epsilon])])[0]!;
    const factor = e.node("Reciprocal", [e.node("Sqrt", [shifted])[0]!])[0]!;
    return [e.node("Mul", [x!, factor])[0]!, factor];
  },
  reference: ([x], { epsilon }, [shape, rows]) => {
    const width = shape!.at(-1)!;
    const factor = ndarray(rows!, (r) => {
      const row = x!.data.subarray(r * width, (r + 1) * width);
      return 1 / Math.sqrt(row.reduce((total, v) => total + v * v, epsilon));
    });
    return [ndarray(shape!, (i) => x!.data[i]! * factor.data[Math.floor(i / width)]!), factor];
  },
  samples: [
    { inputs: [f(3, 5)], attributes: { epsilon: 1e-12 } },
    { inputs: [f(2, 3, 4)], attributes: { epsilon: 0.1 } },
    { inputs: [f(2, 1)], attributes: { epsilon: 0.5 } },
  ],
});

/** x / √(‖x‖² + ε) over the last axis: rows of length one. */
export const normalizeRows = (x: Value, epsilon = 1e-12): Value =>
  x.graph.apply(normalizeRowsOp, [x], { epsilon })[0]!;

export const unitRowsOps = [normalizeRowsOp];
