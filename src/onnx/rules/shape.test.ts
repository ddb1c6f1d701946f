import { describe, expect, it } from "vitest";
import { readOnnx } from "../read.ts";
import { modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, ints } from "./node.fixture.ts";

describe("operators on shapes", () => {
  it.each<[string, Case]>([
    ["Reshape copies and infers", { type: "Reshape", x: [2, 3, 4], rest: [ints(0, -1)], shape: [2, 12] }],
    ["Reshape to nothing", { type: "Reshape", x: [0, 3], rest: [ints(3, 0)], attributes: { allowzero: 1 } }],
    [
      "Reshape of open axes",
      { type: "Reshape", x: [2, 3, 4], open: ["B", "L", 4], rest: [ints(-1, 4)], shape: ["B*L", 4] },
    ],
    [
      "Reshape into unequal axes",
      { type: "Reshape", x: [2, 6], open: ["B", "L"], rest: [ints(-1, 4)], shape: ["floor(B*L/4)", 4] },
    ],
    ["Flatten", { type: "Flatten", x: [2, 3, 4], open: ["B", 3, 4], shape: ["B", 12] }],
    [
      "Flatten before the first axis",
      { type: "Flatten", x: [2, 3, 4], attributes: { axis: 0 }, shape: [1, 24] },
    ],
    [
      "Flatten after the last axis",
      { type: "Flatten", x: [2, 3, 4], attributes: { axis: 3 }, shape: [24, 1] },
    ],
    [
      "Flatten at a negative axis",
      { type: "Flatten", x: [2, 3, 4], attributes: { axis: -1 }, shape: [6, 4] },
    ],
    ["Squeeze all", { type: "Squeeze", x: [1, 3, 1], shape: [3] }],
    [
      "Squeeze by attribute",
      { type: "Squeeze", x: [1, 3, 1], attributes: { axes: [-1] }, opset: 11, shape: [1, 3] },
    ],
    [
      "Squeeze by input",
      { type: "Squeeze", x: [1, 3, 1], open: [1, "B", 1], rest: [ints(0)], shape: ["B", 1] },
    ],
    [
      "Unsqueeze by attribute",
      { type: "Unsqueeze", x: [3], attributes: { axes: [0, -1] }, opset: 12, shape: [1, 3, 1] },
    ],
    [
      "Unsqueeze by input",
      { type: "Unsqueeze", x: [3, 2], open: ["B", 2], rest: [ints(-1, 1)], shape: ["B", 1, 2, 1] },
    ],
    ["Transpose by default", { type: "Transpose", x: [2, 3, 4], shape: [4, 3, 2] }],
    [
      "Expand both ways",
      { type: "Expand", x: [3, 1], open: ["B", 1], rest: [ints(2, 1, 4)], shape: [2, "B", 4] },
    ],
    ["Tile", { type: "Tile", x: [2, 3, 1], rest: [ints(3, 2, 4)], shape: [6, 6, 4] }],
    [
      "Tile of open axes",
      { type: "Tile", x: [2, 3], open: ["B", "L"], rest: [ints(1, 2)], shape: ["B", "L*2"] },
    ],
    ["Tile to nothing", { type: "Tile", x: [2, 3], rest: [ints(0, 2)], shape: [0, 6] }],
    ["Size", { type: "Size", x: [2, 3], open: ["B", 3] }],
    ["Shape in part", { type: "Shape", x: [2, 3, 4], attributes: { start: -2, end: -1 }, shape: [1] }],
    ["Shape beyond the ends", { type: "Shape", x: [2, 3, 4], attributes: { start: -9, end: 9 }, shape: [3] }],
    [
      "DepthToSpace",
      {
        type: "DepthToSpace",
        x: [2, 8, 2, 3],
        open: ["B", 8, "H", 3],
        attributes: { blocksize: 2 },
        shape: ["B", 2, "H*2", 6],
      },
    ],
    [
      "DepthToSpace, columns first",
      { type: "DepthToSpace", x: [1, 8, 2, 3], attributes: { blocksize: 2, mode: "CRD" } },
    ],
    [
      "SpaceToDepth",
      { type: "SpaceToDepth", x: [1, 2, 4, 6], attributes: { blocksize: 2 }, shape: [1, 8, 2, 3] },
    ],
  ])("%s", (_, c) => check(c));

  it.each<[string, Case, string]>([
    [
      "a shape that does not fit",
      { type: "Reshape", x: [2, 3], rest: [ints(4, -1)] },
      "reshape: [2, 3] has 6 elements",
    ],
    [
      "two sizes to infer",
      { type: "Reshape", x: [2, 3], rest: [ints(-1, -1)] },
      "leaves open what −1 stands for",
    ],
    [
      "open axes that may be 1",
      { type: "Squeeze", x: [1, 3], open: ["B", 3] },
      'whether the open dimension "B" is 1',
    ],
    [
      "axes that are not 1",
      { type: "Squeeze", x: [2, 3], rest: [ints(1)] },
      "it removes an axis of size 3 from [2, 3]",
    ],
    ["axes outside", { type: "Unsqueeze", x: [2], rest: [ints(3)] }, "axis 3 is outside a tensor of rank 2"],
    ["repeats of another rank", { type: "Tile", x: [2], rest: [ints(3, 1)] }, "it has 2 repeats for [2]"],
  ])("refuse %s", (_, c, message) => {
    expect(() => readOnnx(modelOf(fieldsOf(c)))).toThrow(message);
  });
});
