import { describe, expect, it } from "vitest";
import { readOnnx } from "../read.ts";
import { modelOf } from "./model.fixture.ts";
import { type Case, check, fieldsOf, floats, ints, scalar } from "./node.fixture.ts";

describe("operators that take apart and join", () => {
  it.each<[string, Case]>([
    [
      "Concat",
      {
        type: "Concat",
        x: [2, 3],
        rest: [{ dtype: "float32", shape: [2, 1], values: [1, 2] }],
        attributes: { axis: -1 },
        shape: [2, 4],
      },
    ],
    [
      "Concat of open axes",
      {
        type: "Concat",
        x: [2, 3],
        open: ["B", 3],
        rest: [{ dtype: "float32", shape: [1, 3], values: [1, 2, 3] }],
        attributes: { axis: 0 },
        shape: ["B+1", 3],
      },
    ],
    ["Split into equal parts", { type: "Split", x: [6, 2], outputs: 3, opset: 11, shape: [2, 2] }],
    [
      "Split by attribute",
      {
        type: "Split",
        x: [2, 6],
        outputs: 2,
        opset: 11,
        attributes: { axis: 1, split: [2, 4] },
        shape: [2, 2],
      },
    ],
    [
      "Split by input",
      {
        type: "Split",
        x: [2, 6],
        outputs: 3,
        opset: 13,
        attributes: { axis: -1 },
        rest: [ints(1, 0, 5)],
        shape: [2, 1],
      },
    ],
    [
      "Split into a number of parts",
      { type: "Split", x: [7], outputs: 3, attributes: { num_outputs: 3 }, shape: [3] },
    ],
    [
      "Split of an open axis",
      {
        type: "Split",
        x: [7],
        open: ["L"],
        outputs: 2,
        attributes: { num_outputs: 2 },
        shape: ["floor(L+1/2)"],
      },
    ],
    [
      "Split of an open axis into equal parts",
      { type: "Split", x: [6], open: ["L"], outputs: 2, opset: 13, shape: ["floor(L/2)"] },
    ],
    ["Trilu, upper", { type: "Trilu", x: [2, 3, 4], rest: [scalar(1)] }],
    ["Trilu, lower", { type: "Trilu", x: [4, 3], open: ["L", 3], attributes: { upper: 0 }, dtype: "bool" }],
  ])("%s", (_, c) => check(c));

  const pads = ints(1, 2, 0, 1);
  it.each<[string, Case]>([
    ["zeros", { type: "Pad", x: [2, 3], rest: [pads], shape: [3, 6] }],
    ["zeros, opset 11", { type: "Pad", x: [2, 3], rest: [pads], dtype: "int64", opset: 11 }],
    ["a stored value", { type: "Pad", x: [2, 3], rest: [pads, scalar(-1.5, "float32")] }],
    [
      "truth values",
      { type: "Pad", x: [2, 3], rest: [pads, scalar(1, "bool")], dtype: "bool", values: [0, 1, 1, 0, 0, 1] },
    ],
    ["some axes", { type: "Pad", x: [2, 3, 2], rest: [ints(1, 2), null, ints(-2)], shape: [2, 6, 2] }],
    ["open axes", { type: "Pad", x: [2, 3], open: ["B", "L"], rest: [pads], shape: ["B+1", "L+3"] }],
    ["fewer than none", { type: "Pad", x: [4, 3], rest: [ints(-1, 2, 1, -2)], shape: [4, 3] }],
    ["edges", { type: "Pad", x: [2, 3], rest: [pads], attributes: { mode: "edge" }, shape: [3, 6] }],
    [
      "edges of open axes",
      { type: "Pad", x: [2, 3], open: ["B", "L"], rest: [pads], attributes: { mode: "edge" } },
    ],
    [
      "reflections",
      { type: "Pad", x: [3, 4], rest: [ints(2, 3, 1, 0)], attributes: { mode: "reflect" }, shape: [6, 7] },
    ],
    [
      "reflections of open axes",
      { type: "Pad", x: [3, 4], open: ["B", "L"], rest: [ints(0, 3, 2, 2)], attributes: { mode: "reflect" } },
    ],
    [
      "repetitions",
      { type: "Pad", x: [3, 4], rest: [ints(2, 4, 1, 0)], attributes: { mode: "wrap" }, opset: 19 },
    ],
    [
      "reflections after a cut",
      { type: "Pad", x: [3, 5], rest: [ints(0, -1, 0, 2)], attributes: { mode: "reflect" } },
    ],
  ])("Pad with %s", (_, c) => check(c));

  it("Pad with a value that is fed", async () => {
    const fields = fieldsOf({ type: "Pad", x: [2, 3], rest: [pads] });
    const [node] = fields.nodes;
    const model = {
      ...fields,
      inputs: { ...fields.inputs, v: { dtype: "float32" as const, shape: [] } },
      nodes: [{ ...node!, inputs: ["x", "r0", "v"] }],
    };
    expect([...readOnnx(modelOf(model)).value("y0").shape]).toEqual([3, 6]);
  });

  it.each<[string, Case, string]>([
    [
      "parts that do not fit",
      { type: "Split", x: [5], rest: [ints(1, 2)], outputs: 2 },
      "split: parts of 1, 2 do not make up axis 0 of [5]",
    ],
    [
      "unequal parts before opset 18",
      { type: "Split", x: [5], outputs: 2, opset: 13 },
      "it splits 5 into 2 equal parts",
    ],
    ["pads for other axes", { type: "Pad", x: [2, 3], rest: [ints(1, 2)] }, "it has 2 pads for 2 axes"],
    [
      "a mode that is none",
      { type: "Pad", x: [2], rest: [ints(1, 2)], attributes: { mode: "mirror" } },
      'its mode "mirror" is not supported',
    ],
    [
      "axes that do not join",
      { type: "Concat", x: [2, 3], rest: [floats(1)], attributes: { axis: 0 } },
      "concat: shapes [2, 3], [1] do not join along axis 0",
    ],
  ])("refuse %s", (_, c, message) => {
    expect(() => readOnnx(modelOf(fieldsOf(c)))).toThrow(message);
  });
});
