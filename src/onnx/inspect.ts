/** @file What an ONNX file takes and gives, read without its meaning, so that files with any operators can be looked at. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { malformed } from "./faults.ts";
import {
  type ModelProto,
  ModelProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema/onnx_pb.ts";

/** An input or output: its element type by the format's name, such as "FLOAT", and its sizes or their names. */
export interface OnnxPort {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxValue {
  readonly name: string;
  readonly node: string;
}

export interface OnnxPorts {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  /** What the nodes compute, in the order of the file: its name, and that of the node. */
  readonly inner: readonly OnnxValue[];
}

const types: Readonly<Record<number, string>> = {
  1: "FLOAT",
  6: "INT32",
  7: "INT64",
  9: "BOOL",
  10: "FLOAT16",
  11: "DOUBLE",
};

/** The inputs and outputs of an ONNX file. @throws DataError for bytes that are none */
export function inspectOnnx(bytes: Uint8Array): OnnxPorts {
  const { graph } = decode(bytes);
  if (!graph || graph.output.length === 0) return malformed("the bytes hold no graph with outputs");
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map(port),
    outputs: graph.output.map(port),
    inner: graph.node.flatMap(({ name: node, output }) =>
      output.filter((name) => name !== "").map((name) => ({ name, node })),
    ),
  };
}

/** The same file that also gives what it computes on the way. @throws DataError for a name that it has not */
export function withOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  const model = decode(bytes);
  const graph = model.graph!;
  const known = new Set(graph.node.flatMap(({ output }) => output));
  const given = new Set(graph.output.map(({ name }) => name));
  for (const name of names) {
    if (given.has(name)) continue;
    if (!known.has(name)) malformed(`nothing in the file is called "${name}"`);
    graph.output.push(create(ValueInfoProtoSchema, { name }));
  }
  return toBinary(ModelProtoSchema, model);
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    return malformed(`the bytes are not an ONNX model: ${(error as Error).message}`);
  }
}

function port({ name, type }: ValueInfoProto): OnnxPort {
  const tensor = type?.value.case === "tensorType" ? type.value.value : undefined;
  const shape = tensor?.shape?.dim.map(({ value }) =>
    value.case === "dimValue" ? Number(value.value) : (value.value ?? "?"),
  );
  return { name, type: types[tensor?.elemType ?? 0] ?? `type ${tensor?.elemType ?? 0}`, shape: shape ?? [] };
}
