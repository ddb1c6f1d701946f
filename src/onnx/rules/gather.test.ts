import { describe, expect, it } from "vitest";
import { readOnnx } from "../read.ts";
import { type ModelTensor, modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, floats, ints, scalar } from "./node.fixture.ts";

const table = (shape: number[], ...values: number[]): ModelTensor => ({ dtype: "int64", shape, values });
const updates = (...shape: number[]): ModelTensor => ({
  dtype: "float32",
  shape,
  values: Array.from({ length: shape.reduce((p, d) => p * d, 1) }, (_, i) => i + 0.5),
});

describe("operators that select", () => {
  it.each<[string, Case]>([
    [
      "Gather rows",
      { type: "Gather", x: [4, 3], open: ["B", 3], rest: [table([2, 2], 0, -1, 2, 2)], shape: [2, 2, 3] },
    ],
    [
      "Gather along an axis",
      { type: "Gather", x: [2, 4, 3], rest: [ints(3, 0)], attributes: { axis: -2 }, shape: [2, 2, 3] },
    ],
    [
      "Gather at one place",
      {
        type: "Gather",
        x: [2, 4, 3],
        open: ["B", "L", 3],
        rest: [scalar(0)],
        attributes: { axis: 1 },
        shape: ["B", 3],
      },
    ],
    [
      "Gather at the last place",
      {
        type: "Gather",
        x: [2, 4],
        open: ["B", "L"],
        rest: [ints(-1)],
        attributes: { axis: 1 },
        shape: ["B", 1],
      },
    ],
    ["Gather nothing", { type: "Gather", x: [2, 4], rest: [ints()], attributes: { axis: 1 }, shape: [2, 0] }],
    ["GatherElements", { type: "GatherElements", x: [3, 2], rest: [table([1, 2], -1, 0)], shape: [1, 2] }],
    [
      "GatherElements along an axis",
      {
        type: "GatherElements",
        x: [2, 3],
        rest: [table([2, 4], 0, 1, 2, 0, 2, 2, 1, -3)],
        attributes: { axis: 1 },
      },
    ],
    ["GatherND", { type: "GatherND", x: [2, 3, 2], rest: [table([2, 2], 0, 1, 1, -1)], shape: [2, 2] }],
    [
      "GatherND with batch axes",
      {
        type: "GatherND",
        x: [2, 3, 2],
        rest: [table([2, 1], 2, 0)],
        attributes: { batch_dims: 1 },
        shape: [2, 2],
      },
    ],
    [
      "OneHot",
      {
        type: "OneHot",
        x: [2, 2],
        rest: [scalar(3), floats(0, 1)],
        dtype: "int64",
        values: [0, 2, -1, 7],
        shape: [2, 2, 3],
      },
    ],
    [
      "OneHot of floats along an axis",
      {
        type: "OneHot",
        x: [2, 2],
        rest: [ints(3), ints(0, 1)],
        attributes: { axis: 1 },
        values: [0, 2, 1, 1],
      },
    ],
    ["TopK", { type: "TopK", x: [2, 6], rest: [ints(3)], outputs: 2 }],
    [
      "TopK of the smallest",
      {
        type: "TopK",
        x: [5, 2],
        rest: [ints(2)],
        attributes: { axis: 0, largest: 0 },
        dtype: "int64",
        outputs: 2,
      },
    ],
    [
      "TopK at opset 11",
      { type: "TopK", x: [2, 6], open: ["B", 6], rest: [ints(6)], opset: 11, outputs: 2, shape: ["B", 6] },
    ],
  ])("%s", (_, c) => check(c));

  it.each<[string, Case]>([
    ["elements", { type: "ScatterElements", x: [3, 3], rest: [table([1, 3], 2, 0, -2), updates(1, 3)] }],
    [
      "elements of an axis",
      {
        type: "ScatterElements",
        x: [2, 4],
        rest: [table([2, 1], 3, -4), updates(2, 1)],
        attributes: { axis: 1 },
        opset: 11,
      },
    ],
    ...(["add", "mul", "min", "max"] as const).map((reduction): [string, Case] => [
      `elements, ${reduction}`,
      { type: "ScatterElements", x: [3], rest: [ints(1, 1, 0, -1), updates(4)], attributes: { reduction } },
    ]),
    ["slices", { type: "ScatterND", x: [4, 2], rest: [table([2, 1], 3, -4), updates(2, 2)], opset: 11 }],
    ...(["add", "mul", "min", "max"] as const).map((reduction): [string, Case] => [
      `slices, ${reduction}`,
      {
        type: "ScatterND",
        x: [3, 2],
        open: ["B", 2],
        rest: [table([3, 2], 1, 1, 0, -2, -2, 1), updates(3)],
        attributes: { reduction },
      },
    ]),
  ])("replace %s", (_, c) => check(c));

  it("keep look-ups in a parameter as rows, also of one place", () => {
    const fields = fieldsOf({ type: "Gather", rest: [updates(4, 2), scalar(1)] });
    const graph = readOnnx(modelOf(fields));
    expect(graph.value("y0").node!.op.selects).toEqual({ table: 0, rows: 1 });
  });

  it.each<[string, Case, string]>([
    [
      "indices that are no integers",
      { type: "Gather", x: [4], rest: [floats(1, 2)] },
      "gather: indices must be int32 or int64, not float32",
    ],
    [
      "a place outside",
      { type: "Gather", x: [4], rest: [scalar(4)] },
      "slice: 4..5 is outside axis 0 of [4]",
    ],
    [
      "too many",
      { type: "TopK", x: [4], rest: [ints(5)], outputs: 2 },
      "topK: axis 0 of [4] has no 5 elements",
    ],
    [
      "tuples that are too long",
      { type: "GatherND", x: [4], rest: [table([1, 2], 0, 0)] },
      "gatherNd: indices i64[1, 2] do not fit f32[4]",
    ],
    [
      "an unknown reduction",
      { type: "ScatterElements", x: [3], rest: [ints(1), updates(1)], attributes: { reduction: "mean" } },
      'its reduction "mean" is not supported',
    ],
  ])("refuse %s", (_, c, message) => {
    expect(() => readOnnx(modelOf(fieldsOf(c)))).toThrow(message);
  });
});
