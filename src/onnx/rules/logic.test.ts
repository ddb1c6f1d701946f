import { describe, expect, it } from "vitest";
import type { DType } from "../../tensor/spec.ts";
import { checkNode, type NodeCase } from "../../testing/check-node.ts";
import { elementTypes } from "../tensor.ts";
import type { ModelTensor } from "./model.fixture.ts";

const agree = async (...cases: readonly NodeCase[]): Promise<void> => {
  for (const c of cases) expect(await checkNode(c), JSON.stringify(c)).toBe(0);
};
const of = (dtype: DType, ...values: number[]): ModelTensor => ({ dtype, shape: [values.length], values });
const column = (x: ModelTensor): ModelTensor => ({ ...x, shape: [...x.shape, 1] });
const types: DType[] = ["float32", "float64", "int32", "int64", "uint8", "bool"];
const special = of("float32", 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

describe("comparisons and logic", () => {
  it.each(["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])("%s", async (type) => {
    for (const dtype of types.slice(0, 4))
      await agree({ type, inputs: [of(dtype, 1, 2, 3), column(of(dtype, 2, 3))] });
    await agree({ type, inputs: [special, of("float32", 1, 1, 1, 1)] });
  });
  it("Equal of truth values", () =>
    agree({ type: "Equal", inputs: [of("bool", 0, 1), column(of("bool", 0, 1))] }));
  it.each(["And", "Or", "Xor"])("%s", (type) =>
    agree({ type, inputs: [of("bool", 0, 1), column(of("bool", 0, 1))] }),
  );
  it("Not", () => agree({ type: "Not", inputs: [of("bool", 0, 1)] }));
  it("IsNaN", () => agree({ type: "IsNaN", inputs: [special] }));
  it("IsInf", async () => {
    for (const detect_positive of [0, 1])
      for (const detect_negative of [0, 1])
        await agree({ type: "IsInf", inputs: [special], attributes: { detect_positive, detect_negative } });
    await agree({ type: "IsInf", inputs: [special] });
  });
});

describe("Where", () => {
  it.each(types.slice(0, 5))("selects elements of %s", (dtype) =>
    agree({ type: "Where", inputs: [of("bool", 1, 0, 1), column(of(dtype, 4, 5)), of(dtype, 6, 7, 8)] }),
  );
});

describe("Cast", () => {
  const values = (dtype: DType): number[] => (dtype === "bool" ? [0, 1, 1] : [0, 1.75, 200]);
  it.each(types)("to %s from every element type", async (to) => {
    const code = [...elementTypes].find(([, dtype]) => dtype === to)![0];
    for (const from of types) {
      const x = of(from, ...values(from));
      await agree(
        { type: "Cast", inputs: [x], attributes: { to: code } },
        { type: "CastLike", inputs: [x, of(to, 1)], opset: 15 },
      );
    }
  });
  it("cuts fractions, also negative ones", () =>
    agree({ type: "Cast", inputs: [of("float32", -1.75, -0.5)], attributes: { to: 7 } }));
});

describe("Dropout", () => {
  const mode = (on: number): ModelTensor => ({ dtype: "bool", shape: [], values: [on] });
  const ratio: ModelTensor = { dtype: "float32", shape: [], values: [0.5] };
  it("drops nothing outside of training", () =>
    agree(
      { type: "Dropout", inputs: [[2, 3]], attributes: { ratio: { float: 0.5 } }, opset: 11 },
      { type: "Dropout", inputs: [[2, 3]] },
      { type: "Dropout", inputs: [[2, 3], ratio], stored: [1], outputs: ["y", "mask"] },
      { type: "Dropout", inputs: [[2, 3], ratio, mode(0)], stored: [1, 2], outputs: ["y", "mask"] },
      { type: "Dropout", inputs: [[2, 3], null, mode(0)], stored: [2] },
    ));
  it("refuses training mode", async () => {
    const node = { type: "Dropout", inputs: [[2], ratio, mode(1)], stored: [1, 2] };
    await expect(async () => checkNode(node)).rejects.toThrow(
      'node "Dropout_0" (Dropout): its training mode is not supported',
    );
  });
});
