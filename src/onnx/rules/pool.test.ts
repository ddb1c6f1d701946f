import { describe, expect, it } from "vitest";
import { checkModel } from "../../testing/check-model.ts";
import { sampleValues } from "../../testing/check-op.ts";
import { type ModelAttribute, modelOf } from "./model.fixture.ts";

type Attributes = Record<string, ModelAttribute>;

function check(type: string, opset: number, shape: number[], attributes: Attributes, outputs = ["y"]) {
  const model = modelOf({
    opset,
    inputs: { x: { dtype: "float32", shape: ["B", ...shape.slice(1)] } },
    nodes: [{ type, inputs: ["x"], outputs, attributes }],
    outputs,
  });
  const { data } = sampleValues({ dtype: "float32", shape }, "x");
  return checkModel(model, { x: { data: Float32Array.from(data), shape } });
}

const windows: readonly (readonly [number[], Attributes])[] = [
  [[2, 3, 6, 7], { kernel_shape: [2, 2] }],
  [[2, 3, 6, 7], { kernel_shape: [2, 3], strides: [2, 2], pads: [1, 1, 0, 1] }],
  [[1, 2, 4, 5], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 1, 1], ceil_mode: 1 }],
  [[1, 2, 5, 6], { kernel_shape: [3, 3], strides: [2, 2], auto_pad: "SAME_UPPER" }],
  [[1, 2, 5, 6], { kernel_shape: [2, 2], strides: [2, 2], auto_pad: "SAME_LOWER" }],
  [[1, 2, 5, 6], { kernel_shape: [2, 2], auto_pad: "VALID" }],
  [[2, 2, 9], { kernel_shape: [4], strides: [3] }],
  [[1, 1, 4, 3, 4], { kernel_shape: [2, 2, 2], strides: [1, 1, 2] }],
];

describe("pooling rules", () => {
  it.each(windows)("read MaxPool %j %j", async (shape, attributes) => {
    expect(await check("MaxPool", 11, shape, attributes)).toBe(0);
    for (const storage_order of [0, 1])
      expect(await check("MaxPool", 12, shape, { ...attributes, storage_order }, ["y", "i"])).toBe(0);
  });
  it.each(windows)("read AveragePool %j %j", async (shape, attributes) => {
    for (const count_include_pad of [0, 1])
      expect(await check("AveragePool", 11, shape, { ...attributes, count_include_pad })).toBeLessThan(1e-6);
  });
  it("read dilated windows", async () => {
    const attributes = { kernel_shape: [2, 3], dilations: [3, 2], strides: [1, 2], pads: [1, 0, 1, 1] };
    expect(await check("MaxPool", 12, [2, 2, 6, 7], attributes)).toBe(0);
    for (const count_include_pad of [0, 1]) {
      const averages = { ...attributes, count_include_pad };
      expect(await check("AveragePool", 19, [2, 2, 6, 7], averages)).toBeLessThan(1e-6);
    }
  });
  it("read global pooling", async () => {
    for (const shape of [
      [2, 3, 4],
      [2, 3, 4, 5],
    ]) {
      expect(await check("GlobalMaxPool", 11, shape, {})).toBe(0);
      expect(await check("GlobalAveragePool", 11, shape, {})).toBeLessThan(1e-6);
    }
  });
});
