import { describe, expect, it } from "vitest";
import { print } from "../../graph/graph.ts";
import { checkModel } from "../../testing/check-model.ts";
import { checkNode, type NodeCase, noise } from "../../testing/check-node.ts";
import { readOnnx } from "../read.ts";
import { type ModelTensor, modelOf } from "./model.fixture.ts";

/** Where ONNX Runtime's kernels for one operator differ from those for its parts. */
const tolerance = 2e-6;
const agree = async (...cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBeLessThan(tolerance);
};
const floats = (...values: number[]): ModelTensor => ({ dtype: "float32", shape: [values.length], values });
const int64s = (...values: number[]): ModelTensor => ({ dtype: "int64", shape: [values.length], values });
const positive: ModelTensor = floats(0.25, 0.5, 0.75, 0.9);

describe("arithmetic of two operands", () => {
  it.each(["Add", "Sub", "Mul", "Div"])("%s broadcasts in all element types", async (type) => {
    await agree(
      { type, inputs: [[2, 3], [3]] },
      {
        type,
        inputs: [
          [2, 1, 3],
          [4, 1],
        ],
      },
      { type, inputs: [[], [0, 2]] },
    );
    for (const dtype of ["float64", "int32", "int64", "uint8"] as const)
      await agree({
        type,
        inputs: [
          { dtype, shape: [2, 2], values: [7, 9, 200, 3] },
          { dtype, shape: [2], values: [2, 5] },
        ],
      });
  });
  it("divides integers towards zero", () =>
    agree({ type: "Div", inputs: [int64s(7, -7, 7, -7), int64s(2, 2, -2, -2)] }));
  it("has both remainders", async () => {
    const inputs = [int64s(7, -7, 7, -7), int64s(2, 2, -2, -2)];
    await agree({ type: "Mod", inputs }, { type: "Mod", inputs, attributes: { fmod: 1 } });
    await agree({ type: "Mod", inputs: [[3, 2], floats(1.5)], attributes: { fmod: 1 } });
  });
  it("refuses a remainder of floats with the sign of the divisor", async () => {
    await expect(async () => checkNode({ type: "Mod", inputs: [[2], [2]] })).rejects.toThrow(
      'node "Mod_0" (Mod): its fmod must be 1 for floats',
    );
  });
  it("raises to powers of any element type", async () => {
    await agree(
      { type: "Pow", inputs: [positive, [2, 4]] },
      { type: "Pow", inputs: [[3, 4], floats(0, 1, 2, 3)] },
    );
    for (const dtype of ["float64", "int32", "int64"] as const)
      await agree({ type: "Pow", inputs: [positive, { dtype, shape: [], values: [2] }] });
    await agree({ type: "Pow", inputs: [int64s(3, 7, -2), floats(2, 0.5, 3)] });
  });
});

describe("powers with a constant exponent", () => {
  const exponents = [2, 0.5, 3, -1, 1, 0];
  const read = (exponent: number, constant: boolean) => {
    const e: ModelTensor = { dtype: "float32", shape: [], values: [exponent] };
    return modelOf({
      opset: 15,
      inputs: { x: { dtype: "float32", shape: [4] } },
      initializers: constant ? {} : { e },
      nodes: [
        ...(constant
          ? [{ type: "Constant", inputs: [], outputs: ["e"], attributes: { value: { tensor: e } } }]
          : []),
        { type: "Pow", inputs: ["x", "e"], outputs: ["y"] },
      ],
      outputs: ["y"],
    });
  };
  it.each(exponents)("take %d for no operand", async (exponent) => {
    const x = { data: Float32Array.from(positive.values), shape: [4] };
    expect(await checkModel(read(exponent, true), { x })).toBeLessThan(tolerance);
    expect(print(readOnnx(read(exponent, true)))).not.toContain("pow(");
  });
  it("leave a stored exponent a parameter", () => {
    expect(print(readOnnx(read(2, false)))).toContain("pow(x, e)");
  });
});

describe("functions of one operand", () => {
  it.each([
    "Neg",
    "Abs",
    "Sign",
    "Sqrt",
    "Exp",
    "Log",
    "Erf",
    "Reciprocal",
    "Floor",
    "Ceil",
    "Round",
    "Sin",
    "Cos",
    "Tan",
    "Asin",
    "Acos",
    "Atan",
    "Sinh",
    "Cosh",
    "Tanh",
    "Asinh",
    "Atanh",
  ])("%s", async (type) => {
    await agree({ type, inputs: [positive] });
    const outside = ["Sqrt", "Log", "Asin", "Acos", "Atanh"].includes(type);
    if (!outside) await agree({ type, inputs: [[2, 3]] }, { type, inputs: [[]] }, { type, inputs: [[0, 2]] });
  });
  it("Acosh", () => agree({ type: "Acosh", inputs: [floats(1.5, 2, 7)] }));
  it.each(["Neg", "Abs", "Sign"])("%s of integers", (type) =>
    agree({ type, inputs: [noise("x", [5], "int32")] }, { type, inputs: [noise("x", [5], "int64")] }),
  );
  it("rounds halves to the even neighbour", () =>
    agree({ type: "Round", inputs: [floats(0.5, 1.5, 2.5, -0.5, -1.5, -2.5)] }));
});

describe("any number of operands", () => {
  it.each(["Min", "Max", "Sum", "Mean"])("%s", (type) =>
    agree(
      { type, inputs: [[2, 3]] },
      { type, inputs: [[2, 3], [3]] },
      { type, inputs: [[2, 1, 3], [4, 1], []] },
      { type, inputs: [[3], [3], [3], [3]] },
    ),
  );
  it.each(["Min", "Max"])("%s of integers", (type) =>
    agree({ type, inputs: [int64s(1, 5), int64s(3, 3), int64s(2, 7)] }),
  );
});

describe("Clip", () => {
  const bound = (value: number): ModelTensor => ({ dtype: "float32", shape: [], values: [value] });
  it("has bounds that are stored, fed or absent", async () => {
    for (const stored of [[1, 2], [1], [2], []])
      await agree({ type: "Clip", inputs: [[2, 3], bound(-0.5), bound(0.5)], stored });
    await agree(
      { type: "Clip", inputs: [[2, 3], null, bound(0.5)], stored: [2] },
      { type: "Clip", inputs: [[2, 3], bound(0)], stored: [1] },
      { type: "Clip", inputs: [[2, 3], null, bound(0.5)] },
      { type: "Clip", inputs: [[2, 3]] },
      { type: "Clip", inputs: [[4], bound(1), bound(-1)], stored: [1, 2] },
    );
  });
  it("takes integers", async () => {
    for (const dtype of ["int32", "int64", "uint8"] as const) {
      const of = (...values: number[]): ModelTensor => ({
        dtype,
        shape: values.length === 1 ? [] : [4],
        values,
      });
      await agree({ type: "Clip", inputs: [of(0, 3, 5, 9), of(2), of(5)], stored: [1, 2], opset: 12 });
    }
  });
  it("keeps stored bounds out of the parameters", () => {
    const graph = readOnnx(
      modelOf({
        opset: 13,
        inputs: { x: { dtype: "float32", shape: ["B"] } },
        initializers: { low: bound(0), high: bound(6) },
        nodes: [{ type: "Clip", inputs: ["x", "low", "high"], outputs: ["y"] }],
        outputs: ["y"],
      }),
    );
    expect(print(graph)).toBe("input x: f32[B]\n%0: f32[B] = clip(x, low=0, high=6)\nreturn y = %0");
  });
});
