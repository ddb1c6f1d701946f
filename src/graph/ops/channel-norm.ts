/** @file Normalisation of channels: over a batch's stored statistics, over each picture, and over groups of channels. */
import { ShapeError } from "../../tensor/errors.ts";
import { ndarray } from "../../tensor/ndarray.ts";
import { count, formatSpec, isFloat, multiplyDims, type TensorSpec } from "../../tensor/spec.ts";
import type { Value } from "../graph.ts";
import { defineOp, type Sample, type SampleInput } from "../op.ts";
import { fill } from "./constant.ts";
import { inFloat32 } from "./conv-onnx.ts";
import { add, div, mul, neg, sqrt, square, sub } from "./pointwise.ts";
import { mean, sum } from "./reduce.ts";
import { reshape } from "./shape.ts";

interface NormAttributes extends Record<string, unknown> {
  readonly epsilon: number;
}

const f = (...shape: number[]): SampleInput => ({ dtype: "float32", shape });
const positive = (...shape: number[]): SampleInput => ({ ...f(...shape), positive: true });

function checkChannels(where: string, [x, ...params]: readonly TensorSpec[]): TensorSpec[] {
  const channels = x!.shape[1];
  const fits = params.every((p) => p.shape.length === 1 && p.shape[0] === channels && p.dtype === x!.dtype);
  if (channels === undefined || !fits || !isFloat(x!.dtype))
    throw new ShapeError(
      where,
      `${where}: data must be floats [B, C, …] and the others [C]; got ${[x!, ...params].map(formatSpec).join(", ")}`,
    );
  return [x!];
}

/** A vector [C] that broadcasts over [B, C, S…]. */
const along = (x: Value, channels: Value): Value =>
  reshape(channels, [channels.shape[0]!, ...x.shape.slice(2).map(() => 1)]);
const spatialAxes = (x: Value): number[] => x.shape.slice(2).map((_, i) => i + 2);
/** Channel of a flat place in [B, C, S…]. */
const channelOf = (shape: readonly number[]) => {
  const places = count(shape.slice(2));
  return (flat: number): number => Math.floor(flat / places) % shape[1]!;
};

/** (x − mean)/√(variance + ε)·gain + bias with statistics [C] that are inputs. */
const batchNormOp = defineOp<NormAttributes>({
  name: "batchNorm",
  infer: (specs) => checkChannels("batchNorm", specs),
  gradient: ({ inputs, cotangents: [g], attributes: { epsilon }, needs }) => {
    const [x, gain, , center, variance] = inputs as [Value, Value, Value, Value, Value];
    const inverse = div(1, sqrt(add(variance, epsilon)));
    const slope = mul(gain, inverse);
    const axes = [0, ...spatialAxes(x)];
    const total = needs[2] || needs[3] ? sum(g!, axes) : null;
    const spread = needs[1] || needs[4] ? sum(mul(g!, sub(x, along(x, center))), axes) : null;
    return [
      needs[0] ? mul(g!, along(x, slope)) : null,
      needs[1] ? mul(spread!, inverse) : null,
      total,
      needs[3] ? neg(mul(total!, slope)) : null,
      needs[4] ? mul(mul(spread!, slope), mul(square(inverse), -0.5)) : null, // d(v + ε)^−½ = −½(v + ε)^−³ᐟ²
    ];
  },
  lower: (e, inputs, { epsilon }) =>
    e.node("BatchNormalization", inputs, { attributes: { epsilon: { float: epsilon } } }),
  reference: ([x, gain, bias, center, variance], { epsilon }) => {
    const channel = channelOf(x!.shape);
    return [
      ndarray(x!.shape, (i) => {
        const c = channel(i);
        const normal = (x!.data[i]! - center!.data[c]!) / Math.sqrt(variance!.data[c]! + epsilon);
        return normal * gain!.data[c]! + bias!.data[c]!;
      }),
    ];
  },
  samples: [
    [2, 3, 2, 2],
    [3, 2],
    [2, 1, 5],
    [0, 2, 3],
  ].map(
    ([b, c, ...spatial]): Sample<NormAttributes> => ({
      inputs: [f(b!, c!, ...spatial), f(c!), f(c!), f(c!), positive(c!)],
      attributes: { epsilon: 1e-3 },
    }),
  ),
});

/** Each channel of each picture to mean 0 and variance 1 over space, then ·gain + bias. */
const instanceNormOp = defineOp<NormAttributes>({
  name: "instanceNorm",
  infer: (specs) => {
    if (specs[0]!.shape.length < 3)
      throw new ShapeError("instanceNorm", `instanceNorm: ${formatSpec(specs[0]!)} has no spatial axis`);
    return checkChannels("instanceNorm", specs);
  },
  gradient: ({ inputs, cotangents: [g], attributes: { epsilon }, needs }) => {
    const [x, gain] = inputs as [Value, Value];
    const axes = spatialAxes(x);
    const centered = sub(x, mean(x, axes, { keep: true }));
    const inverse = div(1, sqrt(add(mean(square(centered), axes, { keep: true }), epsilon)));
    const normal = mul(centered, inverse);
    const gn = mul(g!, along(x, gain));
    const projection = mul(normal, mean(mul(gn, normal), axes, { keep: true }));
    return [
      needs[0] ? mul(sub(sub(gn, mean(gn, axes, { keep: true })), projection), inverse) : null,
      needs[1] ? sum(mul(g!, normal), [0, ...axes]) : null,
      needs[2] ? sum(g!, [0, ...axes]) : null,
    ];
  },
  lower: (e, inputs, { epsilon }, node) =>
    inFloat32(
      e,
      node,
      inputs,
      (names) => e.node("InstanceNormalization", names, { attributes: { epsilon: { float: epsilon } } })[0]!,
    ),
  reference: ([x, gain, bias], { epsilon }) => {
    const y = ndarray(x!.shape);
    const places = count(x!.shape.slice(2));
    for (let row = 0; row < count(x!.shape.slice(0, 2)); row++) {
      const values = x!.data.subarray(row * places, (row + 1) * places);
      const center = values.reduce((a, b) => a + b, 0) / places;
      const deviation = Math.sqrt(values.reduce((a, b) => a + (b - center) ** 2, 0) / places + epsilon);
      const c = row % x!.shape[1]!;
      values.forEach((v, i) => {
        y.data[row * places + i] = ((v - center) / deviation) * gain!.data[c]! + bias!.data[c]!;
      });
    }
    return [y];
  },
  samples: [
    [2, 3, 2, 2],
    [1, 2, 7],
    [2, 1, 2, 1, 3],
    [0, 2, 3],
  ].map(
    ([b, c, ...spatial]): Sample<NormAttributes> => ({
      inputs: [f(b!, c!, ...spatial), f(c!), f(c!)],
      attributes: { epsilon: 1e-2 },
    }),
  ),
});

export interface Statistics {
  readonly mean: Value;
  readonly variance: Value;
}

/** Batch normalisation as at inference: [B, C, S…] with gain, bias and statistics [C] (arXiv:1502.03167). */
export const batchNorm = (x: Value, gain: Value, bias: Value, of: Statistics, epsilon = 1e-5): Value =>
  x.graph.apply(batchNormOp, [x, gain, bias, of.mean, of.variance], { epsilon })[0]!;

/** Instance normalisation: [B, C, S…] with gain and bias [C] (arXiv:1607.08022). */
export const instanceNorm = (x: Value, gain: Value, bias: Value, epsilon = 1e-5): Value =>
  x.graph.apply(instanceNormOp, [x, gain, bias], { epsilon })[0]!;

/**
 * Group normalisation: channels [B, C, S…] in groups that are normalised together (arXiv:1803.08494). Gain and bias are
 * [C], or [groups] as ONNX had them in opset 18.
 */
export function groupNorm(x: Value, gain: Value, bias: Value, groups: number, epsilon = 1e-5): Value {
  const [batch, channels, ...spatial] = x.shape;
  if (typeof channels !== "number" || channels % groups !== 0)
    throw new ShapeError(
      "groupNorm",
      `groupNorm: the channels of ${formatSpec(x.spec)} make no ${groups} groups`,
    );
  const grouped = reshape(x, [batch!, groups, spatial.reduce(multiplyDims, channels / groups)]);
  if (gain.shape[0] === groups) return reshape(instanceNorm(grouped, gain, bias, epsilon), x.shape);
  const plain = (value: number): Value => fill(x.graph, [groups], value, x.dtype);
  const normal = reshape(instanceNorm(grouped, plain(1), plain(0), epsilon), x.shape);
  return add(mul(normal, along(x, gain)), along(x, bias));
}

export const channelNormOps = [batchNormOp, instanceNormOp];
