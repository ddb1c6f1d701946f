/** @file Models of one operator for tests: an input x, further inputs stored in the file. */
import { expect } from "vitest";
import type { Dim } from "../../tensor/dims.ts";
import { count, type DType, typed } from "../../tensor/spec.ts";
import { checkModel } from "../../testing/check-model.ts";
import { readOnnx } from "../read.ts";
import { type ModelFields, type ModelNode, type ModelTensor, modelOf } from "./model.fixture.ts";

export const ints = (...values: number[]): ModelTensor => ({
  dtype: "int64",
  shape: [values.length],
  values,
});
export const floats = (...values: number[]): ModelTensor => ({
  dtype: "float32",
  shape: [values.length],
  values,
});
export const scalar = (value: number, dtype: DType = "int64"): ModelTensor => ({
  dtype,
  shape: [],
  values: [value],
});

/** One node on an input x; further inputs are initializers. */
export interface Case {
  readonly type: string;
  readonly x?: readonly number[];
  readonly values?: readonly number[];
  readonly open?: readonly Dim[];
  readonly dtype?: DType;
  readonly rest?: readonly (ModelTensor | null)[];
  readonly attributes?: ModelNode["attributes"];
  readonly outputs?: number;
  readonly opset?: number;
  /** The shape that is expected to be known while reading. */
  readonly shape?: readonly Dim[];
}

export function fieldsOf({ type, x, open, dtype = "float32", rest = [], ...c }: Case): ModelFields {
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  return {
    opset: c.opset ?? 18,
    inputs: x ? { x: { dtype, shape: open ?? x } } : {},
    initializers: Object.fromEntries(rest.flatMap((t, i) => (t ? [[`r${i}`, t]] : []))),
    nodes: [
      {
        type,
        inputs: [...(x ? ["x"] : []), ...rest.map((t, i) => (t ? `r${i}` : ""))],
        outputs,
        ...(c.attributes ? { attributes: c.attributes } : {}),
      },
    ],
    outputs,
  };
}

/** The law of reading for a case, on values 0 to 10. */
export async function check(c: Case): Promise<void> {
  const bytes = modelOf(fieldsOf(c));
  const { x, dtype = "float32" } = c;
  const values = c.values ?? Array.from({ length: count(x ?? []) }, (_, i) => (i * 7) % 11);
  const feeds = x ? { x: { data: typed(dtype, values), shape: x } } : {};
  expect(await checkModel(bytes, feeds)).toBeLessThan(1e-6);
  if (c.shape) expect(readOnnx(bytes).value("y0").shape).toEqual(c.shape);
}
