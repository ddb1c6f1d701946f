/** @file Layer normalisation over the last axes. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import {
  count,
  formatShape,
  formatSpec,
  isFloat,
  normalizeAxis,
  type Shape,
  sizeOf,
} from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, sameDims } from "../op.ts";
import { add, div, mul, sqrt, square, sub } from "./pointwise.ts";
import { mean } from "./reduce.ts";

const f = (...shape: number[]) => ({ dtype: "float32" as const, shape });
interface NormAttributes extends Record<string, unknown> {
  /** The first of the axes that are normalised together. */
  readonly axis: number;
  readonly epsilon: number;
}

/** The axes from `axis` on. */
const axesFrom = (axis: number, { rank }: Value): number[] =>
  Array.from({ length: rank - axis }, (_, i) => axis + i);
const rowShape = (shape: Shape, axis: number): Shape => shape.map((d, a) => (a < axis ? d : 1));

/** Outputs: y, and the mean and reciprocal standard deviation of each row, which the gradient reuses. */
const layerNormOp = defineOp<NormAttributes>({
  name: "layerNorm",
  infer: ([x, ...params], { axis }) => {
    const shape = x!.shape.slice(axis);
    if (!isFloat(x!.dtype))
      throw new ShapeError("layerNorm", `layerNorm: ${formatSpec(x!)} is not of floats`);
    for (const p of params) {
      if (!sameDims(p.shape, shape) || p.dtype !== x!.dtype)
        throw new ShapeError(
          "layerNorm",
          `layerNorm: gain and bias must be ${x!.dtype} ${formatShape(shape)} for ${formatSpec(x!)}, got ${formatSpec(p)}`,
        );
    }
    const row = { dtype: x!.dtype, shape: rowShape(x!.shape, axis) };
    return [x!, row, row];
  },
  gradient: ({ inputs, outputs, cotangents, attributes: { axis } }) => {
    const [x, gain, bias] = inputs as [Value, Value, Value?];
    const [, center, inverse] = outputs as [Value, Value, Value];
    const [g, toCenter, toInverse] = cotangents as [Value | null, Value | null, Value | null];
    const axes = axesFrom(axis, x);
    const normal = mul(sub(x, center), inverse);
    const parts: Value[] = [];
    if (g) {
      const gn = mul(g, gain);
      const projection = mul(normal, mean(mul(gn, normal), axes, { keep: true }));
      parts.push(mul(sub(sub(gn, mean(gn, axes, { keep: true })), projection), inverse));
    }
    const share = (c: Value): Value => mul(c, 1 / width(x, axis)); // of each of the values that a mean is made of
    if (toCenter) parts.push(share(toCenter));
    if (toInverse) parts.push(mul(share(mul(toInverse, square(inverse))), mul(normal, -1))); // dσ⁻¹ = −σ⁻²·n/N dx
    const dx = parts.reduce(add);
    if (!g) return [dx, null, ...(bias ? [null] : [])];
    return [dx, mul(g, normal), ...(bias ? [g] : [])]; // the engine sums the last two over the rows
  },
  lower: (e, inputs, { axis, epsilon }, node) => {
    const outputs = e.node("LayerNormalization", inputs, {
      outputs: 3,
      required: 1,
      attributes: { axis, epsilon: { float: epsilon } },
    });
    if (node.inputs[0]!.dtype === "float32") return outputs;
    // ONNX Runtime gives the statistics of float64 rows in float32.
    return outputs.map((y, i) => (i === 0 ? y : e.node("Cast", [y], { attributes: { to: 11 } })[0]!));
  },
  reference: ([x, gain, bias], { axis, epsilon }, [, row]) => {
    const size = count(x!.shape.slice(axis));
    const center = ndarray(row!);
    const inverse = ndarray(row!);
    const y = ndarray(x!.shape);
    for (let r = 0; r < center.data.length; r++) {
      const values = x!.data.subarray(r * size, (r + 1) * size);
      const m = values.reduce((a, b) => a + b, 0) / size;
      const variance = values.reduce((a, b) => a + (b - m) ** 2, 0) / size;
      center.data[r] = m;
      inverse.data[r] = 1 / Math.sqrt(variance + epsilon);
      values.forEach((v, i) => {
        y.data[r * size + i] = (v - m) * inverse.data[r]! * gain!.data[i]! + (bias?.data[i] ?? 0);
      });
    }
    return [y, center, inverse];
  },
  samples: [
    { inputs: [f(3, 5), f(5), f(5)], attributes: { axis: 1, epsilon: 1e-5 } },
    { inputs: [f(2, 2, 4), f(4), f(4)], attributes: { axis: 2, epsilon: 1e-3 } },
    { inputs: [f(2, 3, 4), f(3, 4)], attributes: { axis: 1, epsilon: 1e-2 } },
    { inputs: [f(2, 3), f(2, 3), f(2, 3)], attributes: { axis: 0, epsilon: 1e-5 } },
    { inputs: [f(0, 3), f(3), f(3)], attributes: { axis: 1, epsilon: 1e-5 } },
  ],
});

function width(x: Value, axis: number): number {
  const size = sizeOf(x.shape.slice(axis));
  if (typeof size === "number") return size;
  throw new ShapeError(
    "layerNorm",
    `layerNorm: the gradient of its statistics needs known sizes, not ${formatShape(x.shape)}`,
  );
}

export interface NormOptions {
  /** The first of the axes that are normalised together; default: the last axis. */
  readonly axis?: number;
  readonly epsilon?: number;
}

/** Layer normalisation, and the mean and reciprocal standard deviation of each row. */
export function layerNormWithStatistics(
  x: Value,
  gain: Value,
  bias: Value | null,
  { axis = -1, epsilon = 1e-5 }: NormOptions = {},
): { y: Value; center: Value; inverse: Value } {
  const attributes = { axis: normalizeAxis(axis, x.rank, "layerNorm"), epsilon };
  const inputs = bias ? [x, gain, bias] : [x, gain];
  const [y, center, inverse] = x.graph.apply(layerNormOp, inputs, attributes) as [Value, Value, Value];
  return { y, center, inverse };
}

/** Layer normalisation over the last axis (Ba et al. 2016, arXiv:1607.06450). */
export const layerNorm = (x: Value, gain: Value, bias: Value | null, epsilon = 1e-5): Value =>
  layerNormWithStatistics(x, gain, bias, { epsilon }).y;

/** Division by the root mean square of the last axes (Zhang and Sennrich 2019, arXiv:1910.07467), and its reciprocal. */
export function rmsNorm(
  x: Value,
  gain: Value,
  { axis = -1, epsilon = 1e-5 }: NormOptions = {},
): { y: Value; inverse: Value } {
  const axes = axesFrom(normalizeAxis(axis, x.rank, "rmsNorm"), x);
  const inverse = div(1, sqrt(add(mean(square(x), axes, { keep: true }), epsilon)));
  return { y: mul(mul(x, inverse), gain), inverse };
}

export const normalizeOps = [layerNormOp];
