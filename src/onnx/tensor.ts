/** @file Tensors stored in ONNX files. */
import { DataError } from "../tensor/errors.ts";
import { count, type DType, numbers, type Tensor, type TensorData } from "../tensor/spec.ts";
import { type Known, known } from "./known.ts";
import {
  TensorProto_DataType as DataType,
  TensorProto_DataLocation as Location,
  type TensorProto,
} from "./schema/onnx_pb.ts";

/** Element types of the engine, by their code in ONNX files. */
export const elementTypes: ReadonlyMap<number, DType> = new Map([
  [DataType.FLOAT, "float32"],
  [DataType.DOUBLE, "float64"],
  [DataType.INT32, "int32"],
  [DataType.INT64, "int64"],
  [DataType.UINT8, "uint8"],
  [DataType.BOOL, "bool"],
]);

/** Gives the bytes of an external data file by its name in the model. */
export type ReadExternal = (location: string) => Uint8Array;

export interface StoredTensor extends Tensor {
  readonly dtype: DType;
}

const sizes: Record<DType, number> = { float32: 4, float64: 8, int32: 4, int64: 8, uint8: 1, bool: 1 };

const bad = (where: string, what: string): never => {
  throw new DataError("onnx-tensor", `readOnnx: ${where}: ${what}`, { where });
};

/** Values of a stored tensor. @throws DataError where they do not agree with its type and shape */
export function readTensor(proto: TensorProto, where: string, external?: ReadExternal): StoredTensor {
  const dtype = elementTypes.get(proto.dataType);
  if (!dtype)
    return bad(where, `element type ${DataType[proto.dataType] ?? proto.dataType} is not supported`);
  const shape = proto.dims.map(Number);
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    return bad(where, `shape [${shape}] is impossible`);
  const elements = count(shape);
  if (!Number.isSafeInteger(elements)) return bad(where, `shape [${shape}] is impossible`);
  const inFile = proto.dataLocation === Location.EXTERNAL;
  const raw = inFile ? externalBytes(proto, where, external) : proto.rawData;
  if (inFile || raw.length > 0 || elements === 0) {
    const needed = elements * sizes[dtype];
    if (raw.length !== needed)
      bad(where, `it stores ${raw.length} bytes, but ${dtype} [${shape}] needs ${needed}`);
    return { dtype, shape, data: fromBytes(dtype, raw) };
  }
  const listed = listedValues(proto, dtype);
  if (listed.length !== elements)
    bad(where, `it stores ${listed.length} values, but ${dtype} [${shape}] needs ${elements}`);
  return { dtype, shape, data: listed };
}

/** A copy, since bytes inside a file need not be aligned. */
function fromBytes(dtype: DType, bytes: Uint8Array): TensorData {
  const { buffer } = bytes.slice();
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer);
    case "float64":
      return new Float64Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}

function listedValues(proto: TensorProto, dtype: DType): TensorData {
  switch (dtype) {
    case "float32":
      return Float32Array.from(proto.floatData);
    case "float64":
      return Float64Array.from(proto.doubleData);
    case "int32":
      return Int32Array.from(proto.int32Data);
    case "int64":
      return BigInt64Array.from(proto.int64Data);
    default:
      return Uint8Array.from(proto.int32Data);
  }
}

function externalBytes(proto: TensorProto, where: string, external?: ReadExternal): Uint8Array {
  const fields = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = fields.get("location") ?? "";
  if (!external)
    return bad(
      where,
      `its values are in the external file "${location}"; read the model with readOnnxFile, or pass \`external\``,
    );
  const file = external(location);
  const offset = Number(fields.get("offset") ?? 0);
  const length = Number(fields.get("length") ?? file.length - offset);
  if (!(offset >= 0 && length >= 0 && offset + length <= file.length))
    bad(
      where,
      `bytes ${offset}..${offset + length} are outside the external file "${location}" (${file.length})`,
    );
  return file.subarray(offset, offset + length);
}

/** Contents of a stored tensor. */
export const contentsOf = ({ dtype, shape, data }: StoredTensor): Known => known(dtype, shape, numbers(data));
