import { describe, expect, it } from "vitest";
import type { DType } from "../../tensor/spec.ts";
import { checkNode, type NodeCase, noise } from "../../testing/check-node.ts";
import { readOnnx } from "../read.ts";
import { type ModelNode, type ModelTensor, modelOf } from "./model.fixture.ts";

/** Sums in another order. */
const tolerance = 2e-6;
const agree = async (...cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBeLessThan(tolerance);
};
const axesOf = (...values: number[]): ModelTensor => ({ dtype: "int64", shape: [values.length], values });
const positive = (dtype: DType, ...shape: number[]): ModelTensor => {
  const x = noise("p", shape, dtype);
  return { ...x, values: x.values.map((v) => Math.abs(v) + 1) };
};

describe.each([
  "ReduceSum",
  "ReduceMean",
  "ReduceMax",
  "ReduceMin",
  "ReduceProd",
  "ReduceL1",
  "ReduceL2",
  "ReduceSumSquare",
  "ReduceLogSum",
  "ReduceLogSumExp",
])("%s", (type) => {
  const x = positive("float32", 2, 3, 4);
  /** The newest opset whose axes are an attribute. */
  const old = type === "ReduceSum" ? 12 : 17;
  it("has axes as an attribute in old opsets", () =>
    agree(
      { type, inputs: [x], opset: 11 },
      { type, inputs: [x], opset: old, attributes: { axes: [1] } },
      { type, inputs: [x], opset: old, attributes: { axes: [0, -1], keepdims: 0 } },
    ));
  it("has axes as an input in new ones", () =>
    agree(
      { type, inputs: [x, axesOf(1)], opset: 18, stored: [1] },
      { type, inputs: [x, axesOf(0, -1)], opset: 18, stored: [1], attributes: { keepdims: 0 } },
      { type, inputs: [x], opset: 18, attributes: { keepdims: 0 } },
      { type, inputs: [x, axesOf()], opset: 18, stored: [1] },
    ));
  it("reduces nothing where that is asked for", () =>
    agree(
      { type, inputs: [x], opset: 18, attributes: { noop_with_empty_axes: 1 } },
      {
        type,
        inputs: [x, axesOf()],
        opset: 18,
        stored: [1],
        attributes: { noop_with_empty_axes: 1, keepdims: 0 },
      },
      { type, inputs: [x, axesOf(1)], opset: 18, stored: [1], attributes: { noop_with_empty_axes: 1 } },
    ));
  it("reduces no elements and scalars", () =>
    agree(
      { type, inputs: [[2, 0], axesOf(1)], opset: 18, stored: [1] },
      { type, inputs: [[2, 0], axesOf(0)], opset: 18, stored: [1] },
      { type, inputs: [positive("float32")], opset: 18 },
    ));
  it.each(["float64", "int32", "int64"] as const)("takes %s", (dtype) =>
    agree({ type, inputs: [positive(dtype, 3, 4), axesOf(1)], opset: 18, stored: [1] }),
  );
});

describe("reductions", () => {
  it("ask for axes that are known", () => {
    const model = modelOf({
      opset: 18,
      inputs: { x: { dtype: "float32", shape: [2] }, axes: { dtype: "int64", shape: [1] } },
      nodes: [{ type: "ReduceSum", inputs: ["x", "axes"], outputs: ["y"] }],
      outputs: ["y"],
    });
    expect(() => readOnnx(model)).toThrow("its axes is computed from what is fed");
  });
});

describe("reductions of open dimensions", () => {
  const shapeAfter = (nodes: ModelNode[], initializers: Record<string, ModelTensor> = {}) =>
    readOnnx(
      modelOf({
        opset: 18,
        inputs: { x: { dtype: "float32", shape: ["B", "L", 4] } },
        initializers,
        nodes: [
          { type: "Shape", inputs: ["x"], outputs: ["s"] },
          ...nodes,
          { type: "Reshape", inputs: ["x", "to"], outputs: ["y"] },
        ],
        outputs: ["y"],
      }),
    ).value("y").shape;
  it("are dimensions again", () => {
    expect(shapeAfter([{ type: "ReduceProd", inputs: ["s"], outputs: ["to"] }])).toEqual(["B*L*4"]);
    const scalar = { type: "ReduceProd", inputs: ["s"], outputs: ["p"], attributes: { keepdims: 0 } };
    const nodes = [scalar, { type: "Reshape", inputs: ["p", "one"], outputs: ["to"] }];
    expect(shapeAfter(nodes, { one: axesOf(1) })).toEqual(["B*L*4"]);
  });
  it("leave remainders of dimensions", () => {
    const nodes = [
      { type: "Mod", inputs: ["s", "two"], outputs: ["m"] },
      { type: "Sub", inputs: ["s", "m"], outputs: ["even"] },
      { type: "Add", inputs: ["even", "m"], outputs: ["to"] },
    ];
    expect(shapeAfter(nodes, { two: axesOf(2) })).toEqual(["B", "L", 4]);
  });
});

describe("CumSum", () => {
  const axis = (value: number, ...shape: number[]): ModelTensor => ({
    dtype: "int64",
    shape,
    values: [value],
  });
  it("runs along any axis, in both directions", async () => {
    for (const exclusive of [0, 1])
      for (const reverse of [0, 1])
        await agree({
          type: "CumSum",
          inputs: [[2, 3], axis(1)],
          stored: [1],
          attributes: { exclusive, reverse },
        });
    await agree({ type: "CumSum", inputs: [[2, 3], axis(-2, 1)], stored: [1], opset: 11 });
    for (const dtype of ["float64", "int32", "int64"] as const)
      await agree({
        type: "CumSum",
        inputs: [noise("x", [4], dtype), { dtype: "int32", shape: [], values: [0] }],
        stored: [1],
      });
  });
});

describe.each(["ArgMax", "ArgMin"])("%s", (type) => {
  const ties: ModelTensor = { dtype: "float32", shape: [2, 4], values: [1, 3, 3, 0, 0, 2, 0, 2] };
  it("finds the first or the last", () =>
    agree(
      { type, inputs: [ties] },
      { type, inputs: [ties], attributes: { axis: -1 } },
      { type, inputs: [ties], attributes: { axis: 1, keepdims: 0 } },
      { type, inputs: [ties], attributes: { axis: 1, select_last_index: 1 } },
      { type, inputs: [ties], attributes: { axis: 1 }, opset: 11 },
    ));
  it.each(["float64", "int32", "int64", "uint8"] as const)("takes %s", (dtype) =>
    agree({ type, inputs: [{ ...ties, dtype }], attributes: { axis: 1 } }),
  );
});
