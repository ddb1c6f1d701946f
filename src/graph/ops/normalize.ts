/** @file Layer normalisation over the last axis. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { formatSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp } from "../op.ts";
import { mul, sub } from "./pointwise.ts";
import { mean } from "./reduce.ts";

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
interface NormAttributes extends Record<string, unknown> {
  readonly epsilon: number;
}

/** Outputs: y, and the mean and reciprocal standard deviation of each row, which the gradient reuses. */
const layerNormOp = defineOp<NormAttributes>({
  name: "layerNorm",
  infer: ([x, gain, bias]) => {
    const width = x!.shape.at(-1);
    for (const p of [gain!, bias!]) {
      if (p.shape.length !== 1 || p.shape[0] !== width) {
        throw new ShapeError(
          "layerNorm",
          `layerNorm: gain and bias must be [${width}] for ${formatSpec(x!)}, got ${formatSpec(p)}`,
        );
      }
    }
    const row = { dtype: x!.dtype, shape: x!.shape.with(-1, 1) };
    return [x!, row, row];
  },
  gradient: ({ inputs: [x, gain], outputs: [, center, inverse], cotangents: [g, ...rest] }) => {
    if (rest.some((c) => c !== null))
      throw new ShapeError("layerNorm", "layerNorm: its saved statistics have no gradient");
    const normal = mul(sub(x!, center!), inverse!);
    const gn = mul(g!, gain!);
    const projection = mul(normal, mean(mul(gn, normal), [-1], { keep: true }));
    const dx = mul(sub(sub(gn, mean(gn, [-1], { keep: true })), projection), inverse!);
    return [dx, mul(g!, normal), g!]; // the engine sums the last two over the rows
  },
  lower: (e, inputs, { epsilon }) =>
    e.node("LayerNormalization", inputs, {
      outputs: 3,
      attributes: { axis: -1, epsilon: { float: epsilon } },
    }),
  reference: ([x, gain, bias], { epsilon }, [, row]) => {
    const width = x!.shape.at(-1)!;
    const center = ndarray(row!);
    const inverse = ndarray(row!);
    const y = ndarray(x!.shape);
    for (let r = 0; r < center.data.length; r++) {
      const values = x!.data.subarray(r * width, (r + 1) * width);
      const m = values.reduce((a, b) => a + b, 0) / width;
      const variance = values.reduce((a, b) => a + (b - m) ** 2, 0) / width;
      center.data[r] = m;
      inverse.data[r] = 1 / Math.sqrt(variance + epsilon);
      values.forEach((v, i) => {
        y.data[r * width + i] = (v - m) * inverse.data[r]! * gain!.data[i]! + bias!.data[i]!;
      });
    }
    return [y, center, inverse];
  },
  samples: [
    { inputs: [f(3, 5), f(5), f(5)], attributes: { epsilon: 1e-5 } },
    { inputs: [f(2, 2, 4), f(4), f(4)], attributes: { epsilon: 1e-3 } },
  ],
});

/** Layer normalisation over the last axis (Ba et al. 2016, arXiv:1607.06450). */
export const layerNorm = (x: Value, gain: Value, bias: Value, epsilon = 1e-5): Value =>
  x.graph.apply(layerNormOp, [x, gain, bias], { epsilon })[0]!;
export const normalizeOps = [layerNormOp];
