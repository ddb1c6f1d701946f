import { describe, expect, it } from "vitest";
import { checkModel } from "../../testing/check-model.ts";
import { sampleValues } from "../../testing/check-op.ts";
import { type ModelAttribute, modelOf } from "./model.fixture.ts";

type Case = readonly [x: number[], w: number[], attributes: Record<string, ModelAttribute>];

/** One node with weights and a bias, at an open batch size. */
async function check(
  type: string,
  opset: number,
  [x, w, attributes]: Case,
  channels: number,
): Promise<number> {
  const values = (name: string, shape: number[]) => [...sampleValues({ dtype: "float32", shape }, name).data];
  const model = modelOf({
    opset,
    inputs: { x: { dtype: "float32", shape: ["B", ...x.slice(1)] } },
    initializers: {
      w: { dtype: "float32", shape: w, values: values("w", w) },
      b: { dtype: "float32", shape: [channels], values: values("b", [channels]) },
    },
    nodes: [{ type, inputs: ["x", "w", "b"], outputs: ["y"], attributes }],
    outputs: ["y"],
  });
  return checkModel(model, { x: { data: Float32Array.from(values("x", x)), shape: x } });
}

const convolutions: Case[] = [
  [[2, 3, 5, 7], [4, 3, 3, 3], {}],
  [[2, 3, 5, 7], [4, 3, 3, 3], { kernel_shape: [3, 3], strides: [2, 1], pads: [1, 0, 2, 1] }],
  [[1, 4, 6, 6], [4, 1, 3, 3], { group: 4, auto_pad: "SAME_UPPER", strides: [2, 2] }],
  [[1, 4, 6, 6], [4, 2, 3, 3], { group: 2, auto_pad: "SAME_LOWER", strides: [2, 2] }],
  [[1, 2, 6, 6], [3, 2, 2, 2], { auto_pad: "VALID", dilations: [2, 3] }],
  [[2, 2, 9], [3, 2, 4], { strides: [2], pads: [3, 1] }],
  [[1, 2, 4, 4, 4], [3, 2, 2, 2, 2], { pads: [0, 1, 0, 1, 0, 0] }],
];
const transposed: Case[] = [
  [[2, 4, 5, 3], [4, 3, 3, 3], {}],
  [[2, 4, 5, 3], [4, 3, 3, 3], { strides: [2, 3], pads: [1, 0, 0, 2], output_padding: [1, 2] }],
  [[2, 4, 5, 3], [4, 3, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }],
  [[2, 4, 5, 3], [4, 1, 3, 3], { group: 4, strides: [2, 2], auto_pad: "SAME_UPPER" }],
  [[2, 4, 5, 3], [4, 3, 4, 2], { group: 2, strides: [3, 3], auto_pad: "SAME_LOWER" }],
  [[2, 4, 5, 3], [4, 3, 3, 3], { strides: [2, 2], output_shape: [10, 6] }],
  [[2, 4, 5, 3], [4, 3, 3, 3], { strides: [2, 2], output_shape: [10, 6], auto_pad: "SAME_UPPER" }],
  [[2, 4, 5, 3], [4, 3, 2, 2], { dilations: [2, 3], pads: [1, 0, 1, 1] }],
  [[1, 2, 6], [2, 3, 3], { strides: [2], pads: [1, 0] }],
];

describe("convolution rules", () => {
  it.each(convolutions)("read Conv %j %j %j", async (...c) => {
    expect(await check("Conv", 11, c, c[1][0]!)).toBeLessThan(1e-6);
  });
  it.each(transposed)("read ConvTranspose %j %j %j", async (...c) => {
    const groups = (c[2].group as number | undefined) ?? 1;
    expect(await check("ConvTranspose", 17, c, c[1][1]! * groups)).toBeLessThan(1e-6);
  });
  it("refuse what does not fit, in a sentence", async () => {
    const bad: Case = [[1, 3, 5, 5], [4, 3, 3, 3], { kernel_shape: [2, 2] }];
    await expect(check("Conv", 17, bad, 4)).rejects.toThrow(/"Conv_0" \(Conv\): its kernel_shape \[2, 2\]/);
    const odd: Case = [[1, 3, 5, 5], [4, 2, 3, 3], {}];
    await expect(check("Conv", 17, odd, 4)).rejects.toThrow(/do not fit with 1 groups/);
  });
});
