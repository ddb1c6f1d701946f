/** @file The parts of an ONNX file that reading needs, checked. */
import { fromBinary } from "@bufbuild/protobuf";
import type { Dim } from "../tensor/dims.ts";
import { DataError } from "../tensor/errors.ts";
import type { TensorSpec } from "../tensor/spec.ts";
import {
  TensorProto_DataType as DataType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./schema/onnx_pb.ts";
import { elementTypes, type ReadExternal, readTensor, type StoredTensor } from "./tensor.ts";

export interface Model {
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly (readonly [string, TensorSpec])[];
  readonly initializers: readonly (readonly [string, TensorProto])[];
  readonly outputs: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** The version of an operator set that the file uses. */
  opset(domain: string): number;
  tensor(proto: TensorProto, external?: ReadExternal): StoredTensor;
}

/** The oldest and newest version of the standard operator set that is read. */
export const opsets = { oldest: 11, newest: 22 } as const;

const bad = (what: string, fields: Record<string, unknown> = {}): never => {
  throw new DataError("onnx-file", `readOnnx: ${what}`, fields);
};

/** @throws DataError for bytes that are not an ONNX model, or one of another opset */
export function parseModel(bytes: Uint8Array): Model {
  const model = decode(bytes);
  const { graph } = model;
  if (!graph) return bad("the file holds no graph; is it an ONNX model?");
  const versions = new Map(model.opsetImport.map(({ domain, version }) => [domain, Number(version)]));
  const standard = versions.get("") ?? versions.get("ai.onnx");
  if (standard === undefined) return bad("the file names no version of the standard operators");
  if (standard < opsets.oldest || standard > opsets.newest)
    return bad(`the file uses opset ${standard}; ${opsets.oldest} to ${opsets.newest} are supported`);
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return {
    nodes: graph.node,
    // Old files list initializers among the inputs as well.
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map((info) => [info.name, specOf(info)]),
    initializers: graph.initializer.map((t) => [t.name, t]),
    outputs: namesOf(graph),
    metadata: Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: (domain) => versions.get(domain) ?? (domain === "" || domain === "ai.onnx" ? standard : 1),
    tensor: (proto, external) => readTensor(proto, `initializer "${proto.name}"`, external),
  };
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    return bad(`the bytes are not an ONNX model: ${(error as Error).message}`);
  }
}

function namesOf({ output }: GraphProto): string[] {
  if (output.length === 0) return bad("the graph has no outputs");
  return output.map(({ name }) => name);
}

/** Type and shape of a declared value; a size without a name is called after the value and the axis. */
function specOf({ name, type }: ValueInfoProto): TensorSpec {
  if (type?.value.case !== "tensorType") return bad(`input "${name}" is not a tensor`, { name });
  const { elemType, shape } = type.value.value;
  const dtype = elementTypes.get(elemType);
  if (!dtype)
    return bad(`input "${name}" has element type ${DataType[elemType] ?? elemType}, which is not supported`, {
      name,
    });
  if (!shape) return bad(`input "${name}" does not say how many axes it has`, { name });
  const dims = shape.dim.map(({ value }, axis): Dim => {
    if (value.case === "dimValue" && value.value >= 0n) return Number(value.value);
    const text = value.case === "dimParam" ? value.value : "";
    return dimName(text) || dimName(`${name}_${axis}`);
  });
  return { dtype, shape: dims };
}

/** A name that can stand in computed dimensions. */
const dimName = (text: string): string => text.replace(/[^\w.]+/g, "_").replace(/^(?=[\d.])/, "_");
