/** @file The law of translating one ONNX node: our translation against ONNX Runtime running the node itself. */

import { type ModelAttribute, type ModelTensor, modelOf } from "../onnx/rules/model.fixture.ts";
import { stream } from "../tensor/random.ts";
import { count, type DType, isFloat, numbers, typed } from "../tensor/spec.ts";
import { checkModel } from "./check-model.ts";

export interface NodeCase {
  /** "Gemm", or "com.microsoft.Gelu". */
  readonly type: string;
  /** Inputs: shapes of float32 noise, whole tensors, or null where one is absent. */
  readonly inputs: readonly (readonly number[] | ModelTensor | null)[];
  readonly attributes?: Readonly<Record<string, ModelAttribute>>;
  readonly opset?: number;
  readonly outputs?: readonly string[];
  /** Inputs that are in the file instead of being fed. */
  readonly stored?: readonly number[];
}

/** Seeded noise of any type. */
export function noise(name: string, shape: readonly number[], dtype: DType = "float32"): ModelTensor {
  const values = stream(5, name).fillNormal(new Float32Array(count(shape)));
  return {
    dtype,
    shape,
    values: [...numbers(typed(dtype, isFloat(dtype) ? values : values.map((v) => v * 3)))],
  };
}

/** Largest error of the translated node, relative to the size of the values. */
export function checkNode({
  type,
  inputs,
  attributes = {},
  opset = 17,
  outputs = ["y"],
  stored = [],
}: NodeCase) {
  const tensors = inputs.flatMap((input, i): (readonly [string, ModelTensor, number])[] => {
    if (input === null) return [];
    return [[`x${i}`, "dtype" in input ? input : noise(`x${i}`, input), i]];
  });
  const fed = tensors.filter(([, , i]) => !stored.includes(i));
  const split = type.lastIndexOf(".");
  const bytes = modelOf({
    opset,
    inputs: Object.fromEntries(fed.map(([name, t]) => [name, t])),
    initializers: Object.fromEntries(
      tensors.flatMap(([name, t, i]) => (stored.includes(i) ? [[name, t]] : [])),
    ),
    nodes: [
      {
        type: type.slice(split + 1),
        domain: type.slice(0, Math.max(split, 0)),
        attributes,
        inputs: inputs.map((input, i) => (input === null ? "" : `x${i}`)),
        outputs,
      },
    ],
    outputs: outputs.filter((name) => name !== ""),
  });
  const feeds = fed.map(([name, { dtype, shape, values }]) => [name, { shape, data: typed(dtype, values) }]);
  return checkModel(bytes, Object.fromEntries(feeds));
}
