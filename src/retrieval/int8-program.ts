/**
 * @file The ONNX program of the best int8 scores: the rows are compiled in, so that ONNX Runtime lays them out for its
 * kernel; scores do not leave the program, because what leaves it is copied.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  type TensorProtoSchema,
  TensorProto_DataType as Type,
} from "../onnx/schema/onnx_pb.ts";

type TensorInit = MessageInitShape<typeof TensorProtoSchema>;

/** Rows in int8, and what one step of each row is worth. */
export interface QuantizedRows {
  /** [D, B] */
  readonly rows: Int8Array;
  /** [B] */
  readonly scale: Float32Array;
}

/** The zero of a quantized state: seven bits, because products of eight-bit pairs overflow on processors without VNNI. */
export const STATE_ZERO = 64;

const toInt32 = { name: "to", type: AttributeType.INT, i: BigInt(Type.INT32) };

const bytesOf = ({ buffer, byteOffset, byteLength }: Int8Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength) as Uint8Array;

const typed = (name: string, elemType: Type, shape: readonly (number | string)[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: {
        elemType,
        shape: {
          dim: shape.map((size) => ({
            value:
              typeof size === "string"
                ? { case: "dimParam" as const, value: size }
                : { case: "dimValue" as const, value: BigInt(size) },
          })),
        },
      },
    },
  },
});

/**
 * `states` (uint8 [Q, D]) and `count` (int64 [1], at most B) → the best `rows` (int32 [Q, count]) and their `scores`
 * (float32 [Q, count]), best first, up to a factor that is the same for all rows.
 */
export function int8Program({ rows, scale }: QuantizedRows, dim: number): Uint8Array {
  const count = scale.length;
  const initializer: TensorInit[] = [
    { name: "table", dataType: Type.INT8, dims: [BigInt(dim), BigInt(count)], rawData: bytesOf(rows) },
    { name: "scale", dataType: Type.FLOAT, dims: [BigInt(count)], rawData: bytesOf(scale) },
    { name: "one", dataType: Type.FLOAT, dims: [], rawData: bytesOf(Float32Array.of(1)) },
    { name: "zero", dataType: Type.UINT8, dims: [], rawData: Uint8Array.of(STATE_ZERO) },
  ];
  const product = ["states", "table", "one", "scale", "zero"];
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: "", version: 17n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "int8 scores",
      node: [
        { opType: "MatMulIntegerToFloat", domain: "com.microsoft", input: product, output: ["all"] },
        { opType: "TopK", input: ["all", "count"], output: ["scores", "places"] },
        { opType: "Cast", input: ["places"], output: ["rows"], attribute: [toInt32] },
      ],
      input: [typed("states", Type.UINT8, ["Q", dim]), typed("count", Type.INT64, [1])],
      output: [typed("scores", Type.FLOAT, ["Q", "K"]), typed("rows", Type.INT32, ["Q", "K"])],
      initializer,
    },
  });
  return toBinary(ModelProtoSchema, model);
}
