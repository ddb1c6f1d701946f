import { describe, expect, it } from "vitest";
import { nearestModes } from "../../graph/ops/index.ts";
import { readOnnx } from "../read.ts";
import { type ModelNode, modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, floats, ints } from "./node.fixture.ts";

const bySizes = (x: number[], sizes: number[], attributes: ModelNode["attributes"] = {}): Case => ({
  type: "Resize",
  x,
  rest: [null, null, ints(...sizes)],
  attributes,
  opset: 13,
  shape: sizes,
});
const byScales = (x: number[], scales: number[], attributes: ModelNode["attributes"] = {}): Case => ({
  type: "Resize",
  x,
  rest: [null, floats(...scales)],
  attributes,
  opset: 13,
});
const modes = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];

describe("Resize", () => {
  it.each(modes.flatMap((mode) => nearestModes.map((nearest) => [mode, nearest])))(
    "takes the nearest element: %s, %s",
    async (mode, nearest) => {
      const attributes = { coordinate_transformation_mode: mode!, nearest_mode: nearest! };
      await check(bySizes([1, 2, 4, 5], [1, 2, 7, 3], attributes));
      await check(bySizes([1, 2, 2, 3], [1, 2, 4, 9], attributes));
      await check(byScales([1, 2, 4, 5], [1, 1, 2, 0.5], attributes));
    },
  );

  it.each(modes)("interpolates: %s", async (mode) => {
    for (const kind of ["linear", "cubic"]) {
      const attributes = { mode: kind, coordinate_transformation_mode: mode };
      await check(bySizes([1, 2, 4, 5], [1, 2, 7, 3], attributes));
      await check(byScales([1, 2, 4, 5], [1, 1, 2.3, 0.7], attributes));
    }
  });

  it.each<[string, Case]>([
    ["some axes", { ...bySizes([1, 2, 4, 5], [8, 5], { axes: [2, 3] }), opset: 18, shape: [1, 2, 8, 5] }],
    [
      "symmetric places",
      {
        ...byScales([1, 1, 4, 5], [1, 1, 1.3, 0.7], {
          mode: "linear",
          coordinate_transformation_mode: "half_pixel_symmetric",
        }),
        opset: 19,
      },
    ],
    [
      "opset 11",
      {
        type: "Resize",
        x: [1, 1, 2, 2],
        rest: [floats(), floats(1, 1, 2, 2)],
        opset: 11,
        shape: [1, 1, 4, 4],
      },
    ],
    [
      "open images, whole factors",
      { ...byScales([1, 1, 2, 3], [1, 1, 2, 3]), open: ["B", 1, "H", "W"], shape: ["B", 1, "H*2", "W*3"] },
    ],
    [
      "open images, interpolated",
      {
        ...byScales([1, 1, 4, 3], [1, 1, 0.5, 2], { mode: "linear" }),
        open: ["B", 1, "H", "W"],
        shape: ["B", 1, "floor(H/2)", "W*2"],
      },
    ],
  ])("takes %s", (_, c) => check(c));

  it.each<[string, Case, string]>([
    [
      "antialiasing",
      { ...bySizes([1, 1, 4, 4], [1, 1, 2, 2], { antialias: 1, mode: "linear" }), opset: 18 },
      "its antialias is not supported",
    ],
    [
      "crops",
      bySizes([1, 1, 4, 4], [1, 1, 2, 2], { coordinate_transformation_mode: "tf_crop_and_resize" }),
      'its coordinate_transformation_mode "tf_crop_and_resize" is not supported',
    ],
    [
      "open sizes and fractions",
      { ...byScales([1, 1, 4, 4], [1, 1, 1.5, 1]), open: [1, 1, "H", 4] },
      'it scales the open dimension "H" by 1.5; bind it to a number',
    ],
    [
      "sizes for other axes",
      { type: "Resize", x: [1, 4], rest: [null, null, ints(4)] },
      "it has 1 sizes for [1, 4]",
    ],
  ])("refuses %s", (_, c, message) => {
    expect(() => readOnnx(modelOf(fieldsOf(c)))).toThrow(message);
  });
});
