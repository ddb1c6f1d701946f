import { describe, expect, it } from "vitest";
import { print } from "../../graph/graph.ts";
import { checkModel } from "../../testing/check-model.ts";
import { readOnnx } from "../read.ts";
import { type ModelNode, modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, ints, scalar } from "./node.fixture.ts";

const attributes: ModelNode["attributes"][] = [
  { value: { tensor: { dtype: "int32", shape: [2, 1], values: [3, -4] } } },
  { value_int: 7 },
  { value_ints: [1, 2, 3] },
  { value_float: { float: 0.5 } },
  { value_floats: { floats: [0.5, -2] } },
];

describe("operators that make tensors", () => {
  it.each(attributes)("Constant %j", (given) => check({ type: "Constant", attributes: given! }));

  it.each<[string, Case]>([
    ["ConstantOfShape", { type: "ConstantOfShape", rest: [ints(2, 3)], shape: [2, 3] }],
    [
      "ConstantOfShape of a value",
      { type: "ConstantOfShape", rest: [ints(2)], attributes: { value: { tensor: ints(5) } } },
    ],
    ["ConstantOfShape of no axes", { type: "ConstantOfShape", rest: [ints()], shape: [] }],
    ["EyeLike", { type: "EyeLike", x: [3, 4], open: ["B", 4], attributes: { k: 1 }, shape: ["B", 4] }],
    ["EyeLike of another type", { type: "EyeLike", x: [3, 3], attributes: { k: -1, dtype: 7 } }],
    [
      "NonZero",
      {
        type: "NonZero",
        rest: [{ dtype: "int64", shape: [2, 3], values: [0, 1, 0, 2, 0, 3] }],
        shape: [2, 3],
      },
    ],
    ["Range", { type: "Range", rest: [scalar(2), scalar(11), scalar(3)], shape: [3] }],
    ["Range downwards", { type: "Range", rest: [5, 0, -2].map((v) => scalar(v, "int32")), shape: [3] }],
    [
      "Range of fractions",
      { type: "Range", rest: [0.5, 2, 0.25].map((v) => scalar(v, "float32")), shape: [6] },
    ],
    ["Range of nothing", { type: "Range", rest: [scalar(2), scalar(1), scalar(1)], shape: [0] }],
    ["a long Range", { type: "Range", rest: [scalar(0), scalar(100_000), scalar(1)], shape: [100_000] }],
  ])("%s", (_, c) => check(c));

  it.each(["int64", "int32", "float32"] as const)("Range up to an open size, as %s", async (dtype) => {
    const codes = { int64: 7, int32: 6, float32: 1 };
    const model = modelOf({
      opset: 13,
      inputs: { x: { dtype: "float32", shape: ["B", "L"] } },
      initializers: { place: scalar(1), start: scalar(0, dtype), step: scalar(2, dtype) },
      nodes: [
        { type: "Shape", inputs: ["x"], outputs: ["shape"] },
        { type: "Gather", inputs: ["shape", "place"], outputs: ["length"] },
        { type: "Cast", inputs: ["length"], outputs: ["limit"], attributes: { to: codes[dtype] } },
        { type: "Range", inputs: ["start", "limit", "step"], outputs: ["y"] },
      ],
      outputs: ["y"],
    });
    expect(readOnnx(model).value("y").shape).toEqual(["floor(L+1/2)"]);
    for (const shape of [
      [2, 5],
      [1, 8],
    ])
      expect(await checkModel(model, { x: { data: new Float32Array(shape[0]! * shape[1]!), shape } })).toBe(
        0,
      );
  });

  it("does not write out what a few bytes ask for", () => {
    const shape = ints(1000, 1000, 1000);
    const fields = fieldsOf({ type: "ConstantOfShape", rest: [shape] });
    expect(print(readOnnx(modelOf(fields)))).toContain("fill(");
    const long = fieldsOf({ type: "Range", rest: [scalar(0), scalar(1e12), scalar(1)] });
    expect(print(readOnnx(modelOf(long)))).toContain("range(");
  });

  it.each<[string, Case, string]>([
    [
      "constants that are texts",
      { type: "Constant", attributes: { value_string: "a" } },
      "it holds neither a tensor nor numbers",
    ],
    ["steps of 0", { type: "Range", rest: [scalar(0), scalar(3), scalar(0)] }, "its delta is 0 or missing"],
    ["places of what is fed", { type: "NonZero", x: [3] }, "its input is computed from what is fed"],
    ["an identity that is no matrix", { type: "EyeLike", x: [3] }, "its input [3] is not a matrix"],
  ])("refuse %s", (_, c, message) => {
    expect(() => readOnnx(modelOf(fieldsOf(c)))).toThrow(message);
  });
});
