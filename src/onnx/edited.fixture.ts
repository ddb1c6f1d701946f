/** @file Small ONNX models that are changed through the schema before they are read. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { f32 } from "../tensor/spec.ts";
import { type ReadOptions, readOnnx } from "./read.ts";
import { type ModelFields, type ModelNode, modelOf } from "./rules/model.fixture.ts";
import { type ModelProto, ModelProtoSchema } from "./schema/onnx_pb.ts";

export const node = (
  type: string,
  inputs: string,
  output: string,
  more: Partial<ModelNode> = {},
): ModelNode => ({
  type,
  inputs: inputs === "" ? [] : inputs.split(" "),
  outputs: output.split(" "),
  ...more,
});

/** Bytes of a model [2] → y at opset 17, changed by `edit`. */
export function bytesOf(
  fields: Partial<ModelFields>,
  edit: (model: ModelProto) => void = () => {},
): Uint8Array {
  const all = { opset: 17, inputs: { x: f32(2) }, nodes: [], outputs: ["y"], ...fields };
  const model = fromBinary(ModelProtoSchema, modelOf(all));
  edit(model);
  return toBinary(ModelProtoSchema, model);
}

export const read = (
  fields: Partial<ModelFields>,
  edit?: (model: ModelProto) => void,
  options?: ReadOptions,
) => readOnnx(bytesOf(fields, edit), options);
export const feeds = { x: { data: Float32Array.of(1, -2), shape: [2] } };
