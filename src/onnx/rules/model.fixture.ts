/** @file Small ONNX models for tests, written by hand instead of by an exporter. */
import { create, toBinary } from "@bufbuild/protobuf";
import { type DType, type TensorSpec, typed } from "../../tensor/spec.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "../schema/onnx_pb.ts";
import { elementTypes } from "../tensor.ts";

export interface ModelTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** Whole numbers and lists of them are integers; `float` and `floats` mark the others. */
export type ModelAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: ModelTensor };

export interface ModelNode {
  readonly type: string;
  /** Names; an empty one is an absent input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, ModelAttribute>>;
  readonly domain?: string;
}

export interface ModelFields {
  readonly opset: number;
  readonly inputs?: Readonly<Record<string, TensorSpec>>;
  readonly initializers?: Readonly<Record<string, ModelTensor>>;
  readonly nodes: readonly ModelNode[];
  readonly outputs: readonly string[];
}

const codes = new Map([...elementTypes].map(([code, dtype]) => [dtype, code]));

/** Bytes of an ONNX model; output types are left to be inferred. */
export function modelOf({ opset, inputs = {}, initializers = {}, nodes, outputs }: ModelFields): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: "", version: BigInt(opset) },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "model",
      input: Object.entries(inputs).map(([name, spec]) => inputInfo(name, spec)),
      initializer: Object.entries(initializers).map(([name, t]) => tensorProto(name, t)),
      node: nodes.map(({ type, inputs: input, outputs: output, attributes = {}, domain = "" }, i) => ({
        name: `${type}_${i}`,
        opType: type,
        domain,
        input: [...input],
        output: [...output],
        attribute: Object.entries(attributes).map(([name, value]) => attributeOf(name, value)),
      })),
      output: outputs.map((name) => ({ name })),
    },
  });
  return toBinary(ModelProtoSchema, model);
}

function inputInfo(name: string, { dtype, shape }: TensorSpec) {
  const dim = shape.map((d) =>
    typeof d === "number"
      ? { value: { case: "dimValue" as const, value: BigInt(d) } }
      : { value: { case: "dimParam" as const, value: d } },
  );
  const tensorType = { elemType: codes.get(dtype)!, shape: { dim } };
  return { name, type: { value: { case: "tensorType" as const, value: tensorType } } };
}

function tensorProto(name: string, { dtype, shape, values }: ModelTensor): TensorProto {
  const { buffer } = typed(dtype, values);
  return create(TensorProtoSchema, {
    name,
    dataType: codes.get(dtype)!,
    dims: shape.map(BigInt),
    rawData: new Uint8Array(buffer as ArrayBuffer),
  });
}

function attributeOf(name: string, value: ModelAttribute): AttributeProto {
  const fields = (): Partial<AttributeProto> => {
    if (typeof value === "number") return { type: Kind.INT, i: BigInt(value) };
    if (typeof value === "string") return { type: Kind.STRING, s: new TextEncoder().encode(value) };
    if ("float" in value) return { type: Kind.FLOAT, f: value.float };
    if ("floats" in value) return { type: Kind.FLOATS, floats: [...value.floats] };
    if ("tensor" in value) return { type: Kind.TENSOR, t: tensorProto("", value.tensor) };
    return { type: Kind.INTS, ints: value.map(BigInt) };
  };
  return create(AttributeProtoSchema, { name, ...(fields() as object) });
}
