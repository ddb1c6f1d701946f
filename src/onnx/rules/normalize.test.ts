import { describe, expect, it } from "vitest";
import { checkModel } from "../../testing/check-model.ts";
import { sampleValues } from "../../testing/check-op.ts";
import { type ModelAttribute, modelOf } from "./model.fixture.ts";

interface Case {
  readonly type: string;
  readonly opset: number;
  readonly x: number[];
  readonly params: number[][];
  readonly attributes?: Record<string, ModelAttribute>;
  readonly outputs?: string[];
}

function check({ type, opset, x, params, attributes = {}, outputs = ["y"] }: Case): Promise<number> {
  const names = params.map((_, i) => `p${i}`);
  const valuesOf = (shape: number[], name: string) => [
    ...sampleValues({ dtype: "float32", shape, positive: name === "p3" }, name).data,
  ];
  const model = modelOf({
    opset,
    inputs: { x: { dtype: "float32", shape: ["B", ...x.slice(1)] } },
    initializers: Object.fromEntries(
      params.map((shape, i) => [names[i]!, { dtype: "float32", shape, values: valuesOf(shape, names[i]!) }]),
    ),
    nodes: [{ type, inputs: ["x", ...names], outputs, attributes }],
    outputs,
  });
  return checkModel(model, { x: { data: Float32Array.from(valuesOf(x, "x")), shape: x } });
}

const cases: Case[] = [
  { type: "BatchNormalization", opset: 11, x: [2, 3, 4, 5], params: [[3], [3], [3], [3]] },
  {
    type: "BatchNormalization",
    opset: 15,
    x: [4, 3],
    params: [[3], [3], [3], [3]],
    attributes: { epsilon: { float: 0.1 }, momentum: { float: 0.5 } },
  },
  { type: "InstanceNormalization", opset: 11, x: [2, 3, 4, 5], params: [[3], [3]] },
  {
    type: "GroupNormalization",
    opset: 18,
    x: [2, 4, 3, 5],
    params: [[2], [2]],
    attributes: { num_groups: 2 },
  },
  {
    type: "GroupNormalization",
    opset: 21,
    x: [2, 4, 3, 5],
    params: [[4], [4]],
    attributes: { num_groups: 2 },
  },
  { type: "LayerNormalization", opset: 17, x: [2, 3, 4], params: [[4], [4]] },
  {
    type: "LayerNormalization",
    opset: 17,
    x: [2, 3, 4],
    params: [[3, 4]],
    attributes: { axis: -2, epsilon: { float: 0.1 } },
    outputs: ["y", "mean", "inverse"],
  },
  { type: "LayerNormalization", opset: 17, x: [2, 3, 4], params: [[4], [3, 1]], attributes: { axis: 1 } },
  {
    type: "SimplifiedLayerNormalization",
    opset: 17,
    x: [2, 3, 4],
    params: [[4]],
    attributes: { axis: -1, epsilon: { float: 1e-3 } },
  },
];

describe("normalisation rules", () => {
  it.each(cases)("read $type (opset $opset) of $x with $params", async (c) => {
    expect(await check(c)).toBeLessThan(2e-6);
  });
  it("refuse batch normalisation in training mode", async () => {
    const training: Case = { ...cases[0]!, opset: 15, attributes: { training_mode: 1 } };
    await expect(check({ ...training, outputs: ["y", "m", "v"] })).rejects.toThrow(/training mode/);
  });
});
