/** @file Dimensions as values: sizes that a network computes with. */
import type { Dim } from "../../tensor/dims.ts";
import type { Shape } from "../../tensor/spec.ts";
import type { Graph, Value } from "../graph.ts";
import { defineOp } from "../op.ts";

interface SizesAttributes extends Record<string, unknown> {
  readonly dims: Shape;
}

const sizesOp = defineOp<SizesAttributes>({
  name: "sizes",
  dims: ["dims"],
  infer: (_, { dims }) => [{ dtype: "int64", shape: [dims.length] }],
  gradient: "zero",
  lower: (e, _, { dims }) => [e.dims(dims)],
  reference: (_, { dims }, [shape]) => [{ data: Float64Array.from(dims as number[]), shape: shape! }],
  samples: [
    { inputs: [], attributes: { dims: [3, 1, 7] } },
    { inputs: [], attributes: { dims: [0] } },
  ],
});

/** The sizes [n] of n dimensions, int64, known once the shapes of the inputs are. */
export const sizes = (graph: Graph, dims: readonly Dim[]): Value =>
  graph.apply(sizesOp, [], { dims: [...dims] })[0]!;

export const sizesOps = [sizesOp];
